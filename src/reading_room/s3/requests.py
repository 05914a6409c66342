"""An S3 request as it comes from an ASGI server: its head at once, its body in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from reading_room.aws import receive as wire
from reading_room.aws.call import IncomingRequest
from reading_room.aws.receive import PATH_KEY, Receive, Scope, announces_small_body, read_headers
from reading_room.aws.sigv4 import has_signature, query_pairs
from reading_room.clock import Clock
from reading_room.s3.body_errors import RequestTimeout
from reading_room.s3.errors import AccessDenied, InvalidRequest
from reading_room.s3.streaming import ClientGone

IDLE_SECONDS = 60.0
"""How long a client may pause in the middle of its body."""
_DRAINED = 64 * 1024 * 1024
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

    Raises ``AccessDenied`` with ``vpc_only`` if the listener did not give the origin of the connection.
    """
    if vpc_only and PATH_KEY not in scope:
        raise AccessDenied
    # S3 ignores an empty Authorization header.
    headers = tuple(header for header in read_headers(scope) if header != ("authorization", ""))
    return wire.read_head(scope, headers, clock())


def header_map(request: IncomingRequest) -> dict[str, str]:
    """Return the headers by name. The values of a header that was sent twice are joined by a comma, as in HTTP."""
    headers: dict[str, str] = {}
    for name, value in request.headers:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def query_map(request: IncomingRequest) -> dict[str, str]:
    """Return the query's parameters by name. Raises ``InvalidRequest`` for one that is not UTF-8 or occurs twice.

    Of the only list that an operation has, the tag keys of S3 Control, this returns the last item.
    """
    query: dict[str, str] = {}
    for name, value in query_pairs(request.query_string):
        if name in query and name != "tagKeys":
            raise InvalidRequest(f"The query parameter {name} occurs twice.")
        try:
            (name + value).encode()
        except UnicodeEncodeError:
            raise InvalidRequest("A query parameter is not UTF-8.") from None
        query[name] = value
    return query


def with_query_headers(headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, with those that some SDKs put into the query of a presigned URL.

    Raises ``InvalidRequest`` for a header whose value in the query is another.
    """
    together = dict(headers)
    for written, value in query.items():
        name = written.lower()
        if name in _SIGNATURE_QUERY or not (name.startswith("x-amz-") or written in ("content-type", "content-md5")):
            continue
        if together.setdefault(name, value) != value:
            raise InvalidRequest(f"The header {name} and the query parameter of its name contradict each other.")
    return together


def is_unsigned(request: IncomingRequest) -> bool:
    """Say whether the head of a request shows that nobody signed it.

    The fields of a form may be signed, and a preflight request has no signature.
    """
    kind = request.header("content-type") or ""
    form = request.method == "POST" and kind.startswith("multipart/form-data")
    return not (form or request.method == "OPTIONS" or has_signature(request))


def tls_version_of(scope: Scope) -> str | None:
    """Return the TLS version in the form of ``s3:TlsVersion``, if the server gives it (ASGI's TLS extension)."""
    number = scope.get("extensions", {}).get("tls", {}).get("tls_version")
    return {0x0303: "1.2", 0x0304: "1.3"}.get(number) if isinstance(number, int) else None


class RequestBody:
    """The raw bytes of a request's body, read once."""

    def __init__(self, receive: Receive, headers: Mapping[str, str]) -> None:
        self._receive = receive
        expects = headers.get("expect", "").lower() == "100-continue"
        self._withheld = expects and not announces_small_body(headers.get("content-length"))
        """Whether the client keeps the body back until it is asked for it."""
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        # With "Expect" even an empty body is read: a client that gets its answer in place of "100 Continue" may take
        # the next answer on the connection for a continuation of the first, as the AWS CLI does.
        self._ended = not has_body and not expects

    @property
    def is_absent(self) -> bool:
        """Whether the request has no body, and nothing of it needs to be read."""
        return self._ended

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they arrive. Raises ``ClientGone`` and ``RequestTimeout``."""
        while not self._ended:
            self._withheld = False
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
        """Discard the rest of the body, up to a limit. Say whether the connection can be used again.

        A client that waits for ``100 Continue`` with a large body does not get it, so a refusal saves it the upload.
        """
        if self._ended:
            return True
        if self._withheld:
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
