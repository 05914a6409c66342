"""The in-process client: it streams bodies in both directions and raises the application's exceptions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from reading_room.client import InProcess

URL = "https://api.example.test:8443/a%20b/c?x=1%2B2&y"


def test_the_scope_equals_that_of_a_server() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)
        await send({"type": "http.response.start", "status": 204, "headers": [(b"a", b"1"), (b"a", b"2")]})
        await send({"type": "http.response.body"})

    with InProcess(app, {"one": 1}) as process:
        response = process.send(AWSRequest("PUT", URL, headers={"X-Name": "value"}).prepare(), {"two": 2})
        assert (response.status_code, response.headers["a"], response.content) == (204, "1, 2", b"")
    assert (seen["method"], seen["scheme"], seen["raw_path"]) == ("PUT", "https", b"/a%20b/c")
    assert (seen["path"], seen["query_string"]) == ("/a b/c", b"x=1%2B2&y")
    assert seen["server"] == ("api.example.test", 8443)
    assert (b"host", b"api.example.test:8443") in seen["headers"]
    assert (b"x-name", b"value") in seen["headers"]
    assert (seen["one"], seen["two"]) == (1, 2)


def test_request_and_response_bodies_are_streamed() -> None:
    progress: list[str] = []

    class Source(io.RawIOBase):
        """A file of five parts that records when each is read."""

        left = 5

        def read(self, size: int = -1) -> bytes:
            """Return the next part."""
            progress.append(f"read {self.left}")
            self.left -= 1
            return b"x" * 1000 if self.left >= 0 else b""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            progress.append(f"got {len(message['body'])}")
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for index in range(100):
            progress.append(f"sent {index}")
            await send({"type": "http.response.body", "body": bytes([index]) * 10, "more_body": True})
        await send({"type": "http.response.body"})

    with InProcess(app) as process:
        request: Any = AWSRequest("PUT", URL).prepare()
        request.body = Source()
        response = process.send(request)
        assert progress[:4] == ["read 5", "got 1000", "read 4", "got 1000"]
        raw: Any = response.raw
        assert raw.read(5) == bytes(5)
        # The client's reading limits the application's progress, so a large object is never whole in memory.
        assert "sent 99" not in progress
        assert len(raw.read()) == 995
        assert raw.read() == b""


def test_an_exception_of_the_application_is_raised_to_the_caller() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/early":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"some", "more_body": True})
        raise LookupError("a bug")

    with InProcess(app) as process:
        with pytest.raises(LookupError, match="a bug"):
            process.send(AWSRequest("GET", "http://h/early").prepare())
        response = process.send(AWSRequest("GET", "http://h/late").prepare())
        with pytest.raises(LookupError, match="a bug"):
            response.content


def test_closing_an_unread_response_ends_the_application() -> None:
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
        finally:
            ended.append("yes")

    with InProcess(app) as process:
        raw: Any = process.send(AWSRequest("GET", URL).prepare()).raw
        assert len(raw.read(10)) == 10
        raw.close()
        assert ended == ["yes"]


def test_boto3_transfers_work_through_the_application() -> None:
    stored: dict[str, bytes] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        key = scope["path"]
        content = stored.setdefault(key, body) if scope["method"] == "PUT" else stored[key]
        headers = [(b"etag", b'"e"'), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] != "GET" else content})

    def parts() -> Iterator[bytes]:
        yield from (b"a" * 1000, b"b" * 1000)

    options: dict[str, Any] = {
        "access_key_id": "AKIA",
        "secret_access_key": "x",
        "config": Config(request_checksum_calculation="when_required"),
    }
    target = io.BytesIO()
    with InProcess(app) as process:
        s3 = process.client("s3", **options)
        s3.upload_fileobj(io.BytesIO(b"".join(parts())), "b", "k")
        s3.download_fileobj("b", "k", target)
    assert target.getvalue() == b"".join(parts())
