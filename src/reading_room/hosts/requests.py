"""The requests of a lane, passed to ASGI applications: the server's half of ``hosts/front/relay.py``."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from reading_room.aws.receive import STANDING_KEY, AsgiApplication, Scope
from reading_room.codec import DocumentError
from reading_room.hosts.front.lane import (
    ASK_BODY,
    BODY,
    BODY_END,
    DATA,
    HEAD,
    KEY_NAMED,
    LAST,
    PROVEN,
    REPLY,
    STREAMED,
    Lane,
)
from reading_room.hosts.front.records import Head, in_pairs, read_head, write_reply

_log = logging.getLogger(__name__)

Find = Callable[[Head], Awaitable[tuple[AsgiApplication, Scope]]]


async def serve_requests(lane: Lane, find: Find) -> None:
    """Answer one request after the other until the lane is over. Raises ``DocumentError`` for a malformed request.

    ``find`` returns the application for a head, and what to add to its scope.
    """
    while (frame := await lane.next()) is not None:
        kind, content = frame
        if kind in (BODY, BODY_END):
            continue  # The body of a request that was answered before it was read.
        if kind != HEAD:
            raise DocumentError("a frame is not the head of a request")
        head = read_head(content)
        app, facts = await find(head)
        exchange = _Exchange(lane, head)
        try:
            await app({**_scope(head), **facts, STANDING_KEY: exchange}, exchange.receive, exchange.send)
        except ConnectionError:
            return
        except DocumentError:
            raise
        except Exception:
            _log.exception("a request by %s could not be answered", head.address)
            await exchange.fail()
        if not exchange.complete:
            # The front closes the client's connection, so that the client sees that the answer is incomplete.
            return


class _Exchange:
    """One ASGI request and its answer; the front learns what the request has proven (``Standing``)."""

    def __init__(self, lane: Lane, head: Head) -> None:
        self._lane = lane
        self._has_body = head.body
        self._waits = head.waits
        self._to_ask = head.expects
        self._body_over = False
        self._held: list[tuple[bytes, bytes]] = []
        self._started = False
        self.complete = False

    @property
    def awaits_body(self) -> bool:
        """Whether part of the body has not been read."""
        return self._waits and not self._body_over

    def names_key(self, access_key_id: str) -> None:
        """Tell the front that the request names an existing key."""
        self._tell(KEY_NAMED, access_key_id.encode())

    def proves(self, account: str) -> None:
        """Tell the front that the request's signature is right, and which account signed it."""
        self._tell(PROVEN, account.encode())

    def streams(self) -> None:
        """Tell the front that the body no longer waits in memory."""
        self._tell(STREAMED)

    def _tell(self, kind: bytes, content: bytes = b"") -> None:
        # A request that has arrived as a whole no longer waits for its client.
        if self.awaits_body:
            self._lane.tell(kind, content)

    async def receive(self) -> MutableMapping[str, Any]:
        """Return the next piece of the body, and after it the client's disconnect."""
        if self._body_over:
            # The next request may arrive as soon as the answer is sent, and is left in the lane.
            await self._lane.ended()
            return {"type": "http.disconnect"}
        if not self._has_body:
            self._body_over = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self._to_ask:
            self._to_ask = False
            await self._lane.send((ASK_BODY, b""))
        frame = await self._lane.next()
        if frame is None:
            return {"type": "http.disconnect"}
        kind, content = frame
        if kind not in (BODY, BODY_END):
            raise DocumentError("a frame is not the body of a request")
        self._body_over = kind == BODY_END
        return {"type": "http.request", "body": content, "more_body": kind == BODY}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send the head or a piece of the answer. Raises ``ConnectionResetError`` if the lane is over."""
        if message["type"] == "http.response.start":
            # Kept until the first piece of the body is sent with it.
            self._held.append((REPLY, write_reply(message["status"], message["headers"])))
            self._started = True
            return
        more = message.get("more_body", False)
        frames = [*self._held, (DATA if more else LAST, message.get("body", b""))]
        self._held.clear()
        await self._lane.send(*frames)
        self.complete = not more

    async def fail(self) -> None:
        """Answer with 500, unless the answer has already begun."""
        if not self._started:
            text = b"Internal Server Error"
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
            headers.append((b"connection", b"close"))
            await self.send({"type": "http.response.start", "status": 500, "headers": headers})
            await self.send({"type": "http.response.body", "body": text})


def _scope(head: Head) -> Scope:
    target = head.path.encode("ascii")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "scheme": "https" if head.kind == "endpoint-https" else "http",
        "path": unquote(head.path),
        "raw_path": target,
        "query_string": head.query.encode("ascii"),
        "root_path": "",
        "headers": in_pairs(head.headers),
        "client": (head.client, head.client_port),
        "server": (head.address, head.port),
    }
    if head.tls is not None:
        scope["extensions"] = {"tls": {"tls_version": head.tls}}
    return scope
