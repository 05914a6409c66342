"""The parts of a request's signature, from its header or its query. Nothing is verified here."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from reading_room.aws.call import IncomingRequest
from reading_room.aws.signature_dialects import Dialect
from reading_room.aws.signature_errors import ALGORITHM, MAX_SKEW

MAX_PRESIGNED_SECONDS = 604_800
_SECURITY_TOKEN = "x-amz-security-token"
_AMZ_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)
_SECONDS = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ONCE = ("authorization", "host", "x-amz-date", "date", _SECURITY_TOKEN, "x-amz-content-sha256", "x-amz-target")
"""Headers that may occur only once: of two values, two readers could use different ones."""
_OF_QUERY = frozenset({"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The credential scope, for which a signing key is valid."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, slots=True)
class Claim:
    """The parts of a request's signature, not verified yet."""

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    signed_at: dt.datetime
    token: str | None
    presigned_seconds: int | None


def has_signature(request: IncomingRequest) -> bool:
    """Say whether a request has a signature of any version and form, valid or not."""
    if request.header("authorization") is not None:
        return True
    names = {name for name, _ in query_pairs(request.query_string)}
    return not names.isdisjoint({"X-Amz-Signature", "X-Amz-Algorithm", "Signature", "X-Amz-Credential"})


def query_pairs(query_string: str) -> list[tuple[str, str]]:
    """Split a query string into decoded pairs. Bytes that are not UTF-8 become surrogates, so none are lost."""
    pairs = []
    for part in query_string.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_decode(name), _decode(value)))
    return pairs


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "surrogateescape")


def read_claim(request: IncomingRequest, dialect: Dialect) -> Claim:
    """Return the parts of a request's signature. Raises the dialect's errors for a malformed one."""
    refuse_repeated(request, dialect)
    authorization = request.header("authorization")
    query = query_pairs(request.query_string)
    names = [name for name, _ in query]
    if authorization is not None:
        if not _OF_QUERY.isdisjoint(names):
            raise dialect.two_mechanisms()
        return _header_claim(request, authorization, dialect)
    if not _OF_QUERY.isdisjoint(names):
        own = [name for name in names if name.startswith("X-Amz-")]
        if len(own) != len(set(own)):
            raise dialect.malformed("A query parameter of the signature occurs twice", True)
        return _query_claim(dict(query), dialect)
    raise dialect.missing()


def refuse_repeated(request: IncomingRequest, dialect: Dialect) -> None:
    """Raise the dialect's error for a repeated header that may occur only once."""
    names = [name for name, _ in request.headers]
    for name in _ONCE:
        if names.count(name) > 1:
            raise dialect.malformed(f"The header {name} occurs more than once", False)


def readable(text: str) -> str:
    """Return text of a request with invalid UTF-8 replaced, so that it can be shown and compared."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _header_claim(request: IncomingRequest, authorization: str, dialect: Dialect) -> Claim:
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise dialect.unsupported(readable(authorization)[:256])
    parts: dict[str, str] = {}
    for item in rest.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals or name in parts:
            raise dialect.malformed(f"'{item.strip()[:256]}' is not a key=value pair, or occurs twice", False)
        parts[name] = value
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parts.get(name):
            raise dialect.malformed(f"Authorization header requires '{name}' parameter.", False)
    written = request.header("x-amz-date")
    signed_at = _parse_date(written) if written is not None else _parse_http_date(request.header("date"))
    if signed_at is None:
        raise dialect.malformed(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.", False
        )
    return _claim(
        parts["Credential"],
        parts["SignedHeaders"],
        parts["Signature"],
        signed_at,
        request.header(_SECURITY_TOKEN),
        None,
        dialect,
    )


def _query_claim(query: dict[str, str], dialect: Dialect) -> Claim:
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        raise dialect.malformed(f'X-Amz-Algorithm only supports "{ALGORITHM}"', True)
    for suffix in ("Credential", "Date", "Expires", "SignedHeaders", "Signature"):
        # Signatures in the query need no expiration with EC2 and the query services. They are valid for 15 minutes,
        # like those in a header.
        optional = suffix == "Expires" and not dialect.urls_must_end
        if not query.get(f"X-Amz-{suffix}") and not optional:
            raise dialect.malformed(
                "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
                "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
                True,
            )
    signed_at = _parse_date(query["X-Amz-Date"])
    if signed_at is None:
        raise dialect.malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", True)
    written = query.get("X-Amz-Expires", str(int(MAX_SKEW.total_seconds())))
    if not _SECONDS.fullmatch(written):
        raise dialect.malformed("X-Amz-Expires should be a number", True)
    if int(written) < 0:
        raise dialect.malformed("X-Amz-Expires must be non-negative", True)
    if int(written) > MAX_PRESIGNED_SECONDS:
        problem = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less"
        raise dialect.malformed(f"{problem} than {MAX_PRESIGNED_SECONDS} seconds", True)
    return _claim(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"],
        query["X-Amz-Signature"],
        signed_at,
        query.get("X-Amz-Security-Token"),
        int(written),
        dialect,
    )


def _claim(
    credential: str,
    signed_headers: str,
    signature: str,
    signed_at: dt.datetime,
    token: str | None,
    seconds: int | None,
    dialect: Dialect,
) -> Claim:
    presigned = seconds is not None
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not parts[0]:
        where = "Error parsing the X-Amz-Credential parameter; " if presigned else ""
        form = '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise dialect.malformed(f"{where}the Credential is mal-formed; expecting {form}", presigned)
    names = tuple(signed_headers.split(";"))
    if list(names) != sorted(set(names)) or any(name != name.lower() or not name for name in names):
        raise dialect.malformed("SignedHeaders must be lower-case names in order, separated by ';'", presigned)
    if not _SIGNATURE.fullmatch(signature):
        raise dialect.malformed("Signature must be 64 lower-case hexadecimal digits", presigned)
    scope = Scope(*map(readable, parts[1:4]))
    return Claim(readable(parts[0]), scope, names, signature, signed_at, token, seconds)


def _parse_date(text: str | None) -> dt.datetime | None:
    if text is None or not _AMZ_DATE.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _parse_http_date(text: str | None) -> dt.datetime | None:
    if text is None or _AMZ_DATE.fullmatch(text):
        return _parse_date(text)
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
