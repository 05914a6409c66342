"""An S3 request as it comes off an ASGI server, and its response as it goes back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping

from reading_room.aws.call import IncomingRequest
from reading_room.aws.errors import AwsError
from reading_room.aws.protocols import rest_xml
from reading_room.aws.receive import PATH_KEY, Receive, Scope, Send, network_path, read_headers
from reading_room.aws.sigv4 import query_pairs
from reading_room.clock import Clock
from reading_room.ids import request_id
from reading_room.s3.backends.backend import S3Response
from reading_room.s3.body_errors import RequestTimeout
from reading_room.s3.errors import AccessDenied, InvalidRequest, NotModified, S3Error
from reading_room.s3.streaming import ClientGone

IDLE_SECONDS = 60.0
"""How long a client may pause in the middle of its body."""
_DRAINED = 64 * 1024 * 1024
_WATCHED = 8 * 1024 * 1024
_SIGNATURE_QUERY = frozenset(
    f"x-amz-{name}"
    for name in (
        "algorithm",
        "credential",
        "date",
        "expires",
        "signedheaders",
        "signature",
        "security-token",
        "content-sha256",
    )
)


def read_head(scope: Scope, clock: Clock, vpc_only: bool) -> IncomingRequest:
    """Return a request without its body.

    With ``vpc_only`` the listener must have said where the connection came from; else ``AccessDenied``.
    """
    if vpc_only and PATH_KEY not in scope:
        raise AccessDenied
    return IncomingRequest(
        method=scope["method"],
        raw_path=scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0],
        query_string=scope["query_string"].decode("latin-1"),
        # An empty Authorization header says nothing to S3.
        headers=tuple(header for header in read_headers(scope) if header != ("authorization", "")),
        body=b"",
        path=network_path(scope),
        request_id=request_id(),
        received_at=clock(),
    )


def header_map(request: IncomingRequest) -> dict[str, str]:
    """Return the headers by name; one that is sent twice has its values joined, as HTTP has it."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def query_map(request: IncomingRequest) -> dict[str, str]:
    """Return the query's parameters by name. Raises ``InvalidRequest`` for one that is no UTF-8 or comes twice."""
    query: dict[str, str] = {}
    for name, value in query_pairs(request.query_string):
        if name in query:
            raise InvalidRequest(f"The query parameter {name} occurs twice.")
        try:
            (name + value).encode()
        except UnicodeEncodeError:
            raise InvalidRequest("A query parameter is not UTF-8.") from None
        query[name] = value
    return query


def with_query_headers(headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with those that a presigned URL carries in its query, where some SDKs write them.

    Raises ``InvalidRequest`` for one that says two things.
    """
    together = dict(headers)
    for written, value in query.items():
        name = written.lower()
        if name in _SIGNATURE_QUERY or not (name.startswith("x-amz-") or written in ("content-type", "content-md5")):
            continue
        if together.setdefault(name, value) != value:
            raise InvalidRequest(f"The header {name} and the query parameter of its name contradict each other.")
    return together


class RequestBody:
    """The raw bytes of a request's body, and whether any are left."""

    def __init__(self, receive: Receive, headers: Mapping[str, str]) -> None:
        self._receive = receive
        self._expects = headers.get("expect", "").lower() == "100-continue"
        self._started = False
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        # Asked for even when it is empty: a client that got its answer in place of "100 Continue" may take the next
        # answer on the connection for a continuation of it, as the AWS CLI does.
        self._ended = not has_body and not self._expects

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come. Raises ``ClientGone`` and ``RequestTimeout``."""
        while not self._ended:
            self._started = True
            try:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await self._receive()
            except TimeoutError:
                raise RequestTimeout from None
            if message["type"] == "http.disconnect":
                self._ended = True
                raise ClientGone
            self._ended = not message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk

    async def finish(self) -> bool:
        """Read and forget what is left of the body, within reason; say whether the connection can go on.

        A client that waits for ``100 Continue`` is not asked to send: refusing without reading is the point of it.
        """
        if self._ended:
            return True
        if self._expects and not self._started:
            return False
        size = 0
        try:
            async with asyncio.timeout(5):
                async for chunk in self.chunks():
                    size += len(chunk)
                    if size > _DRAINED:
                        return False
        except (TimeoutError, RequestTimeout):
            return False
        return True


def host_id(identifier: str) -> str:
    """Return the second identifier that S3 gives each request."""
    return base64.b64encode(hashlib.sha256(identifier.encode()).digest()).decode()


def error_response(error: AwsError, request: IncomingRequest | None, identifier: str) -> S3Response:
    """Return an error as S3 says it; to HEAD, and for an unmodified object, without a body."""
    headers, body = rest_xml.serialize_error(error, identifier, host_id(identifier))
    own = tuple(error.headers.items()) if isinstance(error, S3Error) else ()
    region = error.extra.get("Region")
    if region is not None:
        own += (("x-amz-bucket-region", region),)
    if isinstance(error, NotModified):
        return S3Response(error.status, own)
    if request is not None and request.method == "HEAD":
        return S3Response(error.status, (("content-type", "application/xml"), *own))
    plain = tuple((name, value) for name, value in headers if not name.startswith("x-amz-"))
    return S3Response(error.status, (*plain, *own), body)


async def send_response(
    send: Send, receive: Receive, response: S3Response, identifier: str, *, head: bool, keep: bool
) -> None:
    """Send a response; a client that goes away meanwhile ends it early."""
    headers = [*response.headers, ("x-amz-request-id", identifier), ("x-amz-id-2", host_id(identifier))]
    if not keep:
        headers.append(("connection", "close"))
    has_length = any(name == "content-length" for name, _ in headers)
    if isinstance(response.body, bytes) and response.status not in (204, 304) and not has_length:
        headers.append(("content-length", str(len(response.body))))
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    if isinstance(response.body, bytes):
        await send({"type": "http.response.body", "body": b"" if head else response.body})
        return
    length = left = next((int(value) for name, value in headers if name == "content-length"), 0)
    gone = asyncio.create_task(_disconnected(receive)) if length > _WATCHED else None
    try:
        async for piece in response.body:
            if gone is not None and gone.done():
                return
            left -= len(piece)
            # The last piece says so: an empty one behind it would wake everybody on the way once more.
            await send({"type": "http.response.body", "body": piece, "more_body": left != 0})
        if left or not length:
            await send({"type": "http.response.body", "body": b""})
    finally:
        if gone is not None:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
