"""Verification of S3's presigned URLs of Signature Version 2, which boto3 still makes by default in old regions.

Only the query form of S3 is supported. No current SDK signs headers this way.

AWS source: "Signing and authenticating REST requests", S3 user guide.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from urllib.parse import quote, unquote_to_bytes

from reading_room.aws.call import IncomingRequest
from reading_room.aws.session_tokens import check_session_token
from reading_room.aws.signature_claim import readable, refuse_repeated
from reading_room.aws.signature_dialects import DIALECTS, Dialect, Mismatch
from reading_room.aws.sigv4 import (
    UNSIGNED_PAYLOAD,
    CredentialSource,
    Scope,
    Verified,
    find,
    query_pairs,
)

_SUBRESOURCES = frozenset(
    name
    for line in (
        "accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging metrics",
        "notification object-lock partNumber policy replication requestPayment response-cache-control",
        "response-content-disposition response-content-encoding response-content-language",
        "response-content-type response-expires restore select select-type storageClass tagging torrent",
        "uploadId uploads versionId versioning versions website",
    )
    for name in line.split()
)
_PLAIN = ("content-md5", "content-type")
_OWN = ("AWSAccessKeyId", "Signature", "Expires")
_UNSIGNED = frozenset(
    name
    for line in (
        "continuation-token delimiter encoding-type fetch-owner key-marker list-type marker max-keys max-parts",
        "max-uploads part-number-marker prefix start-after upload-id-marker version-id-marker",
    )
    for name in line.split()
)
"""Parameters that this version does not sign. They only select a part of a listing, so the holder may choose them."""


def is_presigned(request: IncomingRequest) -> bool:
    """Say whether a request is a presigned URL of Signature Version 2."""
    names = {name for name, _ in query_pairs(request.query_string)}
    return names.issuperset(_OWN)


def lacks_parameters(request: IncomingRequest) -> bool:
    """Say whether a request has some parameters of a presigned URL of Signature Version 2, but not all."""
    names = {name for name, _ in query_pairs(request.query_string)}
    return not names.isdisjoint({"AWSAccessKeyId", "Signature"}) and not names.issuperset(_OWN)


def verify_presigned(
    request: IncomingRequest, source: CredentialSource, now: dt.datetime, bucket_in_host: str | None
) -> Verified:
    """Verify a presigned URL of Signature Version 2.

    ``bucket_in_host`` is the bucket of a virtual-hosted request, which the signature covers; ``None`` for path style.
    Raises S3's errors for a malformed, wrong or expired signature.
    """
    dialect = DIALECTS["rest-xml"]
    refuse_repeated(request, dialect)
    pairs = query_pairs(request.query_string)
    query = dict(pairs)
    _check_parameters([name for name, _ in pairs], dialect)
    access_key_id, signature, written = query["AWSAccessKeyId"], query["Signature"], query["Expires"]
    if not (written.isascii() and written.isdigit() and len(written) < 12):
        raise dialect.invalid_date(readable(written)[:128])
    ended = dt.datetime.fromtimestamp(int(written), dt.UTC)
    if now > ended:
        raise dialect.url_expired(None, ended, now)
    credential = find(source, readable(access_key_id), dialect)
    text = _string_to_sign(request, pairs, written, bucket_in_host)
    digest = hmac.new(credential.secret_access_key.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1)
    expected = base64.b64encode(digest.digest()).decode()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")):
        raise dialect.mismatch(Mismatch(credential.access_key_id, readable(signature), readable(text), ""))
    token = query.get("x-amz-security-token") or request.header("x-amz-security-token")
    check_session_token(token, credential.session_token, credential.expires_at, now, "rest-xml")
    return Verified(
        principal=credential.principal,
        access_key_id=access_key_id,
        signature=signature,
        signing_key=b"",
        scope=Scope("", "", "s3"),
        amz_date="",
        payload_hash=UNSIGNED_PAYLOAD,
        presigned=True,
        signed_headers=frozenset(name for name, _ in request.headers if name.startswith("x-amz-")),
    )


def _check_parameters(names: list[str], dialect: Dialect) -> None:
    """Refuse a URL that is signed twice, and one whose unsigned parameters could select another operation."""
    if "X-Amz-Signature" in names:
        raise dialect.two_mechanisms()
    for name in _OWN:
        if names.count(name) > 1:
            raise dialect.malformed(f"The query parameter {name} occurs more than once", True)
    for name in names:
        signed = name in _SUBRESOURCES or name.lower().startswith("x-amz-") or name.lower() in _PLAIN
        if not signed and name not in _OWN and name not in _UNSIGNED:
            shown = readable(name)[:128]
            raise dialect.malformed(f"Signature Version 2 does not sign the query parameter {shown!r}", True)


def _string_to_sign(request: IncomingRequest, pairs: list[tuple[str, str]], expires: str, bucket: str | None) -> str:
    query = dict(pairs)
    amz: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.startswith("x-amz-"):
            amz.setdefault(name, []).append(value.strip())
    for name, value in pairs:
        if name.lower().startswith("x-amz-"):
            amz.setdefault(name.lower(), []).append(value.strip())
    # A value may be sent as a header or as a query parameter of the same name. Both are signed the same way.
    plain = [request.header(name) or query.get(name) or query.get(name.title()) or "" for name in _PLAIN]
    # The signature covers the path in the encoding of the SDKs, whatever encoding the client sent.
    path = quote(unquote_to_bytes(request.raw_path), safe="/~")
    resource = f"/{bucket}{path}" if bucket else path
    parts = sorted(f"{name}={value}" if value else name for name, value in pairs if name in _SUBRESOURCES)
    if parts:
        resource += "?" + "&".join(parts)
    lines = [request.method.upper(), *plain, expires]
    lines += [f"{name}:{','.join(values)}" for name, values in sorted(amz.items())]
    return "\n".join([*lines, resource])
