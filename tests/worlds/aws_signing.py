"""Requests signed by botocore's own signers, as they arrive."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from reading_room.aws.call import IncomingRequest, NetworkPath
from reading_room.aws.errors import AwsError
from reading_room.aws.memory import MemoryCredentials
from reading_room.aws.sigv4 import Credential, Verified
from tests.worlds.aws import ENDED, KEY, SESSION

SOURCE = MemoryCredentials([KEY, SESSION, ENDED])
BODY = b'{"Text":"x"}'


def now() -> dt.datetime:
    """Return the time at which botocore signs."""
    return dt.datetime.now(dt.UTC)


def keys(credential: Credential) -> Credentials:
    """Return a key as botocore holds it."""
    return Credentials(credential.access_key_id, credential.secret_access_key, credential.session_token)


def incoming(request: AWSRequest) -> IncomingRequest:
    """Return a request that botocore sends, as it arrives."""
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    sent: dict[str, Any] = dict(prepared.headers.items())
    pairs = [(k.lower(), v.decode() if isinstance(v, bytes) else str(v)) for k, v in sent.items()]
    if not any(name == "host" for name, _ in pairs):
        pairs.append(("host", url.netloc))
    body = prepared.body if isinstance(prepared.body, bytes) else b""
    return IncomingRequest(
        str(prepared.method), url.path or "/", url.query, tuple(pairs), body, NetworkPath("127.0.0.1"), "r", now()
    )


def signed(
    service: str = "comprehend",
    credential: Credential = KEY,
    url: str = "http://127.0.0.1:4566/",
    method: str = "POST",
    region: str = "us-east-1",
    headers: dict[str, str] | None = None,
) -> IncomingRequest:
    """Return a request signed in its headers."""
    request = AWSRequest(method=method, url=url, data=BODY, headers=headers or {})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    if service == "s3":
        request.context["payload_signing_enabled"] = True
    signer(keys(credential), service, region).add_auth(request)
    return incoming(request)


def presigned(
    url: str, service: str = "s3", credential: Credential = KEY, method: str = "GET", expires: int = 60
) -> IncomingRequest:
    """Return a request signed in its query."""
    request = AWSRequest(method=method, url=url)
    signer: Any = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    signer(keys(credential), service, "us-east-1", expires=expires).add_auth(request)
    return incoming(request)


def changed(request: IncomingRequest, **headers: str | None) -> IncomingRequest:
    """Return a request with headers replaced, added or, for ``None``, removed."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [(name, value) for name, value in request.headers if name not in names]
    added = [(name, value) for name, value in names.items() if value is not None]
    return dataclasses.replace(request, headers=tuple(kept + added))


def code_of(call: Callable[[], Verified]) -> str:
    """Return the error code that a verification raises."""
    with pytest.raises(AwsError) as caught:
        call()
    return caught.value.code
