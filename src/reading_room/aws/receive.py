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
"""Where an ASGI scope carries the ``NetworkPath``. Only servers and listeners write it; no client can."""
ONLY_KEY = "reading_room.only"
"""Where an ASGI scope carries the service that its listener speaks for, ``api`` for all but S3; absent, for all."""
STANDING_KEY = "reading_room.standing"
"""Where an ASGI scope carries the ``Standing`` of its request, if its listener wants to hear of it."""
BODY_LIMIT = 10 * 1024 * 1024
BODY_SECONDS = 60.0
"""How long a whole body may take."""
_DRAINED = 6
"""How many times the limit is thrown away of a body that is too large, before the connection is given up."""


class Disconnected(Exception):
    """The client went away before its request was complete: there is nobody to answer."""


class BodyTooLarge(Exception):
    """The body is above its limit; what was beyond it was thrown away as it came."""


class BodyTooSlow(Exception):
    """The body did not arrive within its time."""


class Standing(Protocol):
    """How a listener hears what a request has proven, by which it decides whom it serves when there are too many."""

    @property
    def awaits_body(self) -> bool:
        """Whether some of the body has not arrived."""
        ...

    def names_key(self, access_key_id: str) -> None:
        """Hear that the request names a key that exists."""
        ...

    def proves(self, account: str) -> None:
        """Hear that the request's signature is right, and whose key signed it."""
        ...

    def streams(self) -> None:
        """Hear that the body does not wait in memory from now on."""
        ...


class _Unheard:
    """The standing of a request whose listener asks for none."""

    awaits_body = False

    def names_key(self, access_key_id: str) -> None:
        pass

    def proves(self, account: str) -> None:
        pass

    def streams(self) -> None:
        pass


_UNHEARD = _Unheard()


def standing_of(scope: Scope) -> Standing:
    """Return how the listener of a request hears what it has proven."""
    found: Standing = scope.get(STANDING_KEY, _UNHEARD)
    return found


def network_path(scope: Scope) -> NetworkPath:
    """Return where a connection came from: what the listener says, else the peer's address and the scheme."""
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


async def read_body(
    receive: Receive, headers: Headers, limit: int = BODY_LIMIT, seconds: float = BODY_SECONDS
) -> bytes:
    """Return the whole body, of ``limit`` bytes at most, which must be here within so many ``seconds``.

    Raises ``BodyTooLarge``, ``BodyTooSlow`` and ``Disconnected``.
    """
    declared = next((value for name, value in headers if name == "content-length"), "")
    announced = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0
    if announced > limit and any(name == "expect" for name, _ in headers):
        # The client waits for leave to send: not asking for the body is the refusal.
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
            # A client that is still sending does not read: let it finish, within reason, so that it gets the answer.
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
    """Send a whole reply; a client that has gone meanwhile is not an error."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    try:
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else reply.body})
    except OSError:
        return
