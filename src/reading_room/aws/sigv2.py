"""Verification of S3's presigned URLs of Signature Version 2, which boto3 still makes by default in old regions.

Only the query form, and only for S3: no current SDK signs headers this way.

AWS source: "Signing and authenticating REST requests", S3 user guide.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from urllib.parse import quote, unquote_to_bytes

from reading_room.aws.call import IncomingRequest
from reading_room.aws.signature_errors import DIALECTS, Mismatch
from reading_room.aws.sigv4 import (
    UNSIGNED_PAYLOAD,
    CredentialSource,
    Scope,
    Verified,
    check_token,
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


def is_presigned(request: IncomingRequest) -> bool:
    """Say whether a request is a presigned URL of Signature Version 2."""
    names = {name for name, _ in query_pairs(request.query_string)}
    return {"AWSAccessKeyId", "Signature", "Expires"} <= names


def verify_presigned(
    request: IncomingRequest, source: CredentialSource, now: dt.datetime, bucket_in_host: str | None
) -> Verified:
    """Verify a presigned URL of Signature Version 2.

    ``bucket_in_host`` is the bucket of a virtual-hosted request, ``None`` for path style: the signature covers
    it. Raises S3's ``AwsError`` for what is wrong.
    """
    dialect = DIALECTS["rest-xml"]
    pairs = query_pairs(request.query_string)
    query = dict(pairs)
    access_key_id, signature, written = query["AWSAccessKeyId"], query["Signature"], query["Expires"]
    if not (written.isascii() and written.isdigit() and len(written) < 12):
        raise dialect.malformed("Expires must be a number of seconds since the epoch", True)
    ended = dt.datetime.fromtimestamp(int(written), dt.UTC)
    if now > ended:
        raise dialect.url_expired(0, ended, now)
    credential = source.find(access_key_id)
    if credential is None:
        raise dialect.unknown_key(access_key_id)
    text = _string_to_sign(request, pairs, written, bucket_in_host)
    digest = hmac.new(credential.secret_access_key.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1)
    expected = base64.b64encode(digest.digest()).decode()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")):
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        raise dialect.mismatch(Mismatch(access_key_id, signature, shown, ""))
    check_token(credential, query.get("x-amz-security-token") or request.header("x-amz-security-token"), now, dialect)
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


def _string_to_sign(request: IncomingRequest, pairs: list[tuple[str, str]], expires: str, bucket: str | None) -> str:
    query = dict(pairs)
    amz: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.startswith("x-amz-"):
            amz.setdefault(name, []).append(value.strip())
    for name, value in pairs:
        if name.lower().startswith("x-amz-"):
            amz.setdefault(name.lower(), []).append(value.strip())
    # A value may be sent as a header or as its twin in the query, and is signed the same way.
    plain = [
        request.header(name) or query.get(name) or query.get(name.title()) or ""
        for name in ("content-md5", "content-type")
    ]
    # Whatever escapes the client chose in the path, its signature covers the SDK's own form.
    path = quote(unquote_to_bytes(request.raw_path), safe="/~")
    resource = f"/{bucket}{path}" if bucket else path
    parts = sorted(f"{name}={value}" if value else name for name, value in pairs if name in _SUBRESOURCES)
    if parts:
        resource += "?" + "&".join(parts)
    lines = [request.method.upper(), *plain, expires]
    lines += [f"{name}:{','.join(values)}" for name, values in sorted(amz.items())]
    return "\n".join([*lines, resource])
