"""Verification of Signature Version 4, in the Authorization header and in the query of a presigned URL.

The bodies of S3 are not verified here, because they stream. ``Verified`` has the values for their verification: the
hash, or the seed signature and the key of the chunks. S3's old URLs of Signature Version 2 are in ``sigv2.py``.

AWS source: "Signature Version 4 signing process", IAM user guide; "Authenticating Requests", S3 API reference.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote, unquote_to_bytes

from reading_room.aws.call import IncomingRequest, Principal
from reading_room.aws.errors import AwsError
from reading_room.aws.models import SERVED, ServedService
from reading_room.aws.session_tokens import check_session_token
from reading_room.aws.signature_claim import (
    Claim,
    Scope,
    has_signature,
    query_pairs,
    read_claim,
    readable,
)
from reading_room.aws.signature_dialects import DIALECTS, Dialect, Mismatch
from reading_room.aws.signature_errors import ALGORITHM, MAX_SKEW, amz_time

UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_KEY_ID = re.compile(r"\w{1,128}", re.ASCII)
_KEY_ID_SHOWN = 128
_BLANKS = re.compile(r"[ \t]+")
__all__ = [
    "UNSIGNED_PAYLOAD",
    "Credential",
    "CredentialSource",
    "HeadProof",
    "Scope",
    "Verified",
    "find",
    "has_signature",
    "prove_head",
    "query_pairs",
    "signing_key",
    "string_to_sign",
    "verify",
]
# The date is part of the string to sign, the payload hash is part of the canonical request, and the token is compared
# with that of the key. So a change to any of them fails the verification even if the header itself is not signed.
_PROVEN_OTHERWISE = frozenset({"x-amz-date", "x-amz-content-sha256", "x-amz-security-token"})


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored access key: the secret that signs, and the principal that a signature proves."""

    access_key_id: str
    secret_access_key: str
    principal: Principal
    session_token: str | None = None
    """For temporary keys: the token that a request must have, too."""
    expires_at: dt.datetime | None = None

    def __repr__(self) -> str:
        """Omit the secrets, so that no log line can contain them."""
        return f"Credential({self.access_key_id!r}, {self.principal.arn!r})"


class CredentialSource(Protocol):
    """A store of access keys. It is declared here so that ``aws`` needs nothing of ``iam``, which implements it."""

    def find(self, access_key_id: str) -> Credential | None:
        """Return an active key, or ``None``. Expired temporary keys are returned, as they get an error of their own."""
        ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified signature."""

    principal: Principal
    access_key_id: str
    signature: str
    """In hexadecimal. For a streaming upload it is the seed of the first chunk's signature."""
    signing_key: bytes
    """Signs the chunks and trailers of a streaming upload. Empty for Signature Version 2."""
    scope: Scope
    amz_date: str
    payload_hash: str
    """The body's SHA-256 in hexadecimal, or one of S3's words (``UNSIGNED-PAYLOAD``, ``STREAMING-…``)."""
    presigned: bool
    signed_headers: frozenset[str]

    def __repr__(self) -> str:
        """Omit the key."""
        return f"Verified({self.principal.arn!r}, {self.access_key_id!r}, {self.scope})"


def verify(
    request: IncomingRequest,
    service: ServedService | str,
    source: CredentialSource,
    now: dt.datetime,
    region: str = "us-east-1",
) -> Verified:
    """Verify a request's signature for a service in a region.

    The body is hashed and must be the signed one, except for S3, where ``Verified.payload_hash`` is the hash that the
    body must have. Raises the service's own ``AwsError`` for a missing, malformed, stale or wrong signature, an unknown
    key, a wrong or expired token, and a scope of another region or service.
    """
    served = SERVED[service] if isinstance(service, str) else service
    dialect = DIALECTS[served.protocol]
    claim, credential = _claimed(request, served, source, now, region)
    payload_hash = _payload_hash(request, served, claim, dialect)
    key = _check_signature(request, served, claim, credential, payload_hash)
    check_session_token(claim.token, credential.session_token, credential.expires_at, now, served.protocol)
    return Verified(
        principal=credential.principal,
        access_key_id=claim.access_key_id,
        signature=claim.signature,
        signing_key=key,
        scope=claim.scope,
        amz_date=amz_time(claim.signed_at),
        payload_hash=payload_hash,
        presigned=claim.presigned_seconds is not None,
        signed_headers=frozenset(claim.signed_headers),
    )


@dataclass(frozen=True, slots=True)
class HeadProof:
    """What the head of a request proves before its body has arrived."""

    access_key_id: str
    account: str
    complete: bool
    """Whether the caller is proven. Otherwise it is only known that the key exists."""


def prove_head(
    request: IncomingRequest, service: ServedService, source: CredentialSource, now: dt.datetime, region: str
) -> HeadProof | None:
    """Return what the head of a request for any service but S3 proves, ``None`` if it proves nothing.

    Signatures cover the body. One can be verified earlier if the client also sends the hash of the body
    (``x-amz-content-sha256``); the body is then compared with it later. The token of a temporary key proves the caller,
    too, because only the holder of the key has it.
    """
    try:
        claim, credential = _claimed(request, service, source, now, region)
        check_session_token(claim.token, credential.session_token, credential.expires_at, now, service.protocol)
        complete = credential.session_token is not None
        declared = request.header("x-amz-content-sha256")
        if declared is not None:
            _check_signature(request, service, claim, credential, declared)
            complete = True
    except AwsError:
        return None
    return HeadProof(claim.access_key_id, credential.principal.account, complete)


def find(source: CredentialSource, access_key_id: str, dialect: Dialect) -> Credential:
    """Return the credential of an access key id. Raises the dialect's error if there is none."""
    # No other text can be an id, so the source is not called with strange characters.
    credential = source.find(access_key_id) if _KEY_ID.fullmatch(access_key_id) else None
    if credential is None:
        raise dialect.unknown_key(access_key_id[:_KEY_ID_SHOWN])
    return credential


@lru_cache(maxsize=1024)
def signing_key(secret_access_key: str, date: str, region: str, service: str) -> bytes:
    """Return the key that signs for one day, region and service."""
    key = ("AWS4" + secret_access_key).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def string_to_sign(canonical_request: str, amz_date: str, scope: Scope) -> str:
    """Return the string to sign, whose HMAC is the signature."""
    digest = hashlib.sha256(canonical_request.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{amz_date}\n{scope}\n{digest}"


def _encode(text: str, safe: str = "") -> str:
    return quote(text.encode("utf-8", "surrogateescape"), safe=safe + "~")


def _claimed(
    request: IncomingRequest, served: ServedService, source: CredentialSource, now: dt.datetime, region: str
) -> tuple[Claim, Credential]:
    """Return the parts of a request's signature, with all but the signature itself checked, and the key."""
    dialect = DIALECTS[served.protocol]
    claim = read_claim(request, dialect)
    _check_scope(claim, served, region, dialect)
    _check_time(claim, now, dialect)
    _check_signed_headers(request, claim, dialect)
    return claim, find(source, claim.access_key_id, dialect)


def _check_signature(
    request: IncomingRequest, served: ServedService, claim: Claim, credential: Credential, payload_hash: str
) -> bytes:
    """Compare a request's signature with the computed one for this payload hash, and return the signing key."""
    dialect = DIALECTS[served.protocol]
    canonical = _canonical_request(request, served, claim, payload_hash)
    text = string_to_sign(canonical, amz_time(claim.signed_at), claim.scope)
    key = signing_key(credential.secret_access_key, claim.scope.date, claim.scope.region, claim.scope.service)
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        raise dialect.mismatch(Mismatch(claim.access_key_id, claim.signature, text, readable(canonical)))
    return key


# Checks before the signature is computed.


def _check_scope(claim: Claim, served: ServedService, region: str, dialect: Dialect) -> None:
    presigned = claim.presigned_seconds is not None
    regions = {region, "us-east-1"} if served.is_global else {region}
    if claim.scope.region not in regions:
        raise dialect.wrong_scope("region", claim.scope.region, region, presigned)
    if claim.scope.service != served.name:
        raise dialect.wrong_scope("service", claim.scope.service, served.name, presigned)
    day = claim.signed_at.strftime("%Y%m%d")
    if claim.scope.date != day:
        raise dialect.wrong_scope("date", claim.scope.date, day, presigned)


def _check_time(claim: Claim, now: dt.datetime, dialect: Dialect) -> None:
    if claim.presigned_seconds is not None:
        if claim.signed_at - now > MAX_SKEW:
            raise dialect.not_yet_valid(claim.signed_at, now)
        ended = claim.signed_at + dt.timedelta(seconds=claim.presigned_seconds)
        if now > ended or not claim.presigned_seconds:
            raise dialect.url_expired(claim.presigned_seconds, ended, now)
    elif abs(now - claim.signed_at) > MAX_SKEW:
        raise dialect.skewed(claim.signed_at, now)


def _check_signed_headers(request: IncomingRequest, claim: Claim, dialect: Dialect) -> None:
    """Check that the headers that determine a request's meaning are signed, so that a replay cannot change them."""
    signed = set(claim.signed_headers)
    needed = {"host"} | {name for name, _ in request.headers if name.startswith("x-amz-")}
    missing = sorted(needed - signed - _PROVEN_OTHERWISE)
    if missing:
        raise dialect.unsigned_headers(missing)


# The canonical request.


def _payload_hash(request: IncomingRequest, served: ServedService, claim: Claim, dialect: Dialect) -> str:
    if served.name != "s3":
        return hashlib.sha256(request.body).hexdigest()
    declared = request.header("x-amz-content-sha256")
    if claim.presigned_seconds is not None:
        query = dict(query_pairs(request.query_string))
        named = declared if "x-amz-content-sha256" in claim.signed_headers else None
        return query.get("X-Amz-Content-Sha256") or named or UNSIGNED_PAYLOAD
    if not declared:
        raise dialect.malformed("Missing required header for this request: x-amz-content-sha256", False)
    return declared


def _canonical_request(request: IncomingRequest, served: ServedService, claim: Claim, payload_hash: str) -> str:
    headers = "".join(f"{name}:{_header_value(request, name)}\n" for name in claim.signed_headers)
    return "\n".join(
        (
            request.method.upper(),
            _canonical_path(request.raw_path, served),
            _canonical_query(request.query_string),
            headers,
            ";".join(claim.signed_headers),
            payload_hash,
        )
    )


def _header_value(request: IncomingRequest, name: str) -> str:
    values = ",".join(_BLANKS.sub(" ", value.strip(" \t")) for key, value in request.headers if key == name)
    # Headers are decoded as Latin-1, and their bytes are signed.
    return values if values.isascii() else values.encode("latin-1").decode("utf-8", "surrogateescape")


def _canonical_path(raw_path: str, served: ServedService) -> str:
    if served.name == "s3":
        # The path is encoded once and not normalized, because keys may have empty and dotted segments.
        return quote(unquote_to_bytes(raw_path), safe="/~") or "/"
    segments: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            segments[-1:] = []
        elif segment not in ("", "."):
            segments.append(segment)
    trailing = "/" if segments and raw_path.endswith("/") else ""
    return quote("/" + "/".join(segments) + trailing, safe="/~")


def _canonical_query(query_string: str) -> str:
    pairs = sorted(
        (_encode(name), _encode(value)) for name, value in query_pairs(query_string) if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)
