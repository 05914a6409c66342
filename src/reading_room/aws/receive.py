"""An HTTP request from an ASGI server: its head at once, its body within bounds of size and time."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from reading_room.aws.call import IncomingRequest, NetworkPath, Reply
from reading_room.ids import request_id

Headers = tuple[tuple[str, str], ...]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH_KEY = "reading_room.path"
"""The key of the ``NetworkPath`` in an ASGI scope. Only servers and listeners write it; no client can."""
ONLY_KEY = "reading_room.only"
"""The key of the service that a listener serves, in an ASGI scope: ``api`` for all but S3, absent for all."""
STANDING_KEY = "reading_room.standing"
"""The key of the ``Standing`` of a request in an ASGI scope, if its listener uses one."""
BODY_LIMIT = 14 * 1024 * 1024
"""Bytes of a body: a document of 10 MB in base64 fits in it."""
BODY_SECONDS = 60.0
"""Seconds in which a body must arrive."""
SMALL_BODY = 16 * 1024
"""Bytes of an announced body up to which a client that waits for ``100 Continue`` gets it at once. Such a body arrives
while the head is checked; refusing it unread would save less than the wait costs."""
_DRAINED = 4
"""Multiples of the limit that are read and discarded of a body that is too large, before the connection is closed."""


class Disconnected(Exception):
    """The client went away before its request was complete, so nobody waits for an answer."""


class BodyTooLarge(Exception):
    """The body is above its limit. The rest of it was discarded."""


class BodyTooSlow(Exception):
    """The body did not arrive within its time."""


class Standing(Protocol):
    """Receives what a request has proven, for its listener, which prefers proven requests if there are too many."""

    @property
    def awaits_body(self) -> bool:
        """Whether some of the body has not arrived."""
        ...

    def names_key(self, access_key_id: str) -> None:
        """Note that the request names an existing access key."""
        ...

    def proves(self, account: str) -> None:
        """Note that the signature of the request is right, and the account of the key."""
        ...

    def streams(self) -> None:
        """Note that the body streams from now on, and no longer waits in memory."""
        ...


class _IgnoredStanding:
    """The standing of a request whose listener uses none."""

    awaits_body = False

    def names_key(self, access_key_id: str) -> None:
        pass

    def proves(self, account: str) -> None:
        pass

    def streams(self) -> None:
        pass


_IGNORED = _IgnoredStanding()


def standing_of(scope: Scope) -> Standing:
    """Return the standing of a request."""
    found: Standing = scope.get(STANDING_KEY, _IGNORED)
    return found


def network_path(scope: Scope) -> NetworkPath:
    """Return the origin of a connection: the path that the listener gives, else the peer's address and the scheme."""
    given = scope.get(PATH_KEY)
    if isinstance(given, NetworkPath):
        return given
    client = scope.get("client")
    return NetworkPath(source_ip=str(client[0]) if client else None, secure=scope.get("scheme") == "https")


def read_headers(scope: Scope) -> Headers:
    """Return the headers in order of arrival, names in lower case, values as Latin-1."""
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])


def read_head(scope: Scope, headers: Headers, received_at: dt.datetime) -> IncomingRequest:
    """Return a request without its body, under a new id."""
    return IncomingRequest(
        method=scope["method"],
        raw_path=scope.get("raw_path", scope["path"].encode()).decode("latin-1").partition("?")[0],
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=b"",
        path=network_path(scope),
        request_id=request_id(),
        received_at=received_at,
    )


def announced_bytes(length: str | None) -> int | None:
    """Return the number in a ``Content-Length``, ``None`` if there is none."""
    if length is None or not (length.isascii() and length.isdigit() and len(length) < 20):
        return None
    return int(length)


def announces_small_body(length: str | None) -> bool:
    """Say whether a ``Content-Length`` announces a body of at most ``SMALL_BODY``."""
    announced = announced_bytes(length)
    return announced is not None and announced <= SMALL_BODY


async def read_body(
    receive: Receive, headers: Headers, limit: int = BODY_LIMIT, seconds: float = BODY_SECONDS
) -> bytes:
    """Return the whole body.

    Raises ``BodyTooLarge`` above ``limit`` bytes, ``BodyTooSlow`` after ``seconds``, and ``Disconnected``.
    """
    announced = announced_bytes(next((value for name, value in headers if name == "content-length"), None)) or 0
    if announced > limit and any(name == "expect" for name, _ in headers):
        # The client waits for "100 Continue". It does not send the body if it gets the refusal instead.
        raise BodyTooLarge()
    try:
        async with asyncio.timeout(seconds):
            return await _collect(receive, limit, too_large=announced > limit)
    except TimeoutError:
        raise BodyTooSlow() from None


async def _collect(receive: Receive, limit: int, *, too_large: bool) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit or too_large:
            # A client does not read while it sends. Let it finish, up to a limit, so that it gets the answer.
            too_large, chunks = True, []
            if size > _DRAINED * limit:
                raise BodyTooLarge()
        elif chunk:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    if too_large:
        raise BodyTooLarge()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_reply(send: Send, reply: Reply, *, head: bool = False) -> None:
    """Send a reply. A client that has gone away is no error."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else reply.body})
    except OSError:
        return
