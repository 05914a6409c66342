"""A pytest plugin for botocore's functional tests: each request that they stub goes to a product, too.

The tests get their stubbed answers, as always. What the product answered is written down, a JSON line for each request
of a service that it has. ``REPLAY`` is a JSON object: the product's address, region and key, and the lines' file.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import urllib.parse
from pathlib import Path
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_S3 = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]+)?\.amazonaws\.com")
_OTHERS = re.compile(r"(?P<service>ec2|iam|sts|logs|comprehend)(?:[.-][a-z0-9-]+)*\.(?:amazonaws\.com|api\.aws)")
_LEFT_OUT = (
    *("authorization", "content-length", "date", "expect", "host", "transfer-encoding", "x-amz-date"),
    *("x-amz-security-token", "x-amz-s3session-token", "x-amz-region-set"),
)
"""Headers that depend on the connection or on the key."""
_CODE = re.compile(rb"<Code>([^<]*)</Code>")
_SHA256 = "X-Amz-Content-SHA256"


class S3Auth(S3SigV4Auth):
    """Signs for S3, and leaves the hash of the body as the client wrote it, which may be that of chunks."""

    def payload(self, request: Any) -> str:
        """Return the hash in the header."""
        return str(request.headers[_SHA256])

    def _modify_request_before_signing(self, request: Any) -> None:
        written = request.headers[_SHA256]
        super()._modify_request_before_signing(request)  # type: ignore[misc]
        del request.headers[_SHA256]
        request.headers[_SHA256] = written


class Replay:
    """Sends requests to the product, signed with its key for its region."""

    def __init__(self, told: dict[str, str]) -> None:
        self._address = urllib.parse.urlsplit(told["url"])
        self._region, self._key = told["region"], Credentials(told["access_key_id"], told["secret_access_key"])
        self._file = Path(told["file"])
        self._buckets: set[str] = set()
        self.test = ""
        """The id of the running test."""

    def send(self, request: Any) -> None:
        """Send a request that was to go to AWS, if the product has its service; make its bucket before."""
        parts = urllib.parse.urlsplit(request.url)
        host, path = parts.hostname or "", parts.path or "/"
        s3, other = _S3.fullmatch(host), _OTHERS.fullmatch(host)
        if s3 is None and other is None:
            return
        service = "s3" if other is None else other["service"]
        if s3 is not None:
            path = path if s3["bucket"] is None else f"/{s3['bucket']}{path}"
            bucket = urllib.parse.unquote(path.split("/")[1])
            if bucket and bucket not in self._buckets:
                self._buckets.add(bucket)
                self._call("PUT", f"/{bucket}", {}, b"", service)
        body = _body(request)
        if body is None:
            return  # A stream that can be read once, which is the test's.
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name.lower() not in _LEFT_OUT
        }
        target = f"{path}?{parts.query}" if parts.query else path
        signed = "Authorization" in request.headers
        status, content = self._call(request.method, target, headers, body, service, signed=signed)
        code = _CODE.search(content)
        line = {
            "test": self.test,
            "request": f"{request.method} {service} {target}",
            "status": status,
            "code": None if code is None else code[1].decode(),
        }
        with self._file.open("a") as file:
            file.write(f"{json.dumps(line)}\n")

    def _call(
        self, method: str, target: str, headers: dict[str, str], body: bytes, service: str, signed: bool = True
    ) -> tuple[int, bytes]:
        if signed:
            request = AWSRequest(method, f"{self._address.geturl()}{target}", headers, body)
            if service == "s3" and _SHA256 not in request.headers:
                request.headers[_SHA256] = hashlib.sha256(body).hexdigest()
            (S3Auth if service == "s3" else SigV4Auth)(self._key, service, self._region).add_auth(request)
            headers = dict(request.headers)
        # As written: other clients would normalize the path.
        connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=60)
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


def _body(request: Any) -> bytes | None:
    """Return the bytes of a body, and leave it as it is; ``None`` if that is impossible."""
    body = request.body
    if body is None or isinstance(body, bytes | bytearray | str):
        return body.encode() if isinstance(body, str) else bytes(body or b"")
    try:
        begin = body.tell() if hasattr(body, "tell") else 0
        content = body.read()
        body.seek(begin)
    except (AttributeError, OSError):
        return None
    return bytes(content)


REPLAY = Replay(json.loads(os.environ["REPLAY"]))


def pytest_configure() -> None:
    """Have the requests of stubs sent."""
    import tests

    stub: Any = vars(tests)["BaseHTTPStubber"]
    answer = stub.__call__

    def call(self: Any, request: Any, **more: Any) -> Any:
        REPLAY.send(request)
        return answer(self, request, **more)

    stub.__call__ = call


def pytest_runtest_setup(item: Any) -> None:
    """Note which test runs."""
    REPLAY.test = item.nodeid
