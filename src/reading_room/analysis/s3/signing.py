"""Signature Version 4 of requests to S3.

AWS source: "Authenticating Requests: Using the Authorization Header", S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from reading_room.analysis.s3.wire import Request

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials. ``token`` is empty for keys that do not belong to a session."""

    access_key_id: str
    secret_access_key: str
    token: str = ""


def signed(request: Request, keys: Keys, region: str, now: float) -> Request:
    """Return a request with its signature. Every header that it already has is signed.

    ``now`` is in seconds since 1970. The query of the target must be sorted by name.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    payload = hashlib.sha256(request.body).hexdigest()
    headers = {
        **request.headers,
        "host": urlsplit(request.origin).netloc,
        "x-amz-content-sha256": payload,
        "x-amz-date": moment,
    }
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = sorted(headers)
    path, _, query = request.target.partition("?")
    lines = [request.method, path, query, *(f"{name}:{headers[name]}" for name in names), "", ";".join(names), payload]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return replace(request, headers=headers)
