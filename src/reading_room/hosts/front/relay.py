"""HTTP requests, passed to the server over lanes: an ASGI application that runs on the other end."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any
from weakref import WeakValueDictionary

from reading_room.aws.receive import AsgiApplication, Scope, Standing, standing_of
from reading_room.hosts.front.channel import Channel, Unavailable
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
from reading_room.hosts.front.records import Head, Kind, flat, read_reply, write_head

OF_ONE_ADDRESS = 16
"""The most requests of one address of a VPC that the server has at a time; more wait for others of it to end.

Outside of VPCs, many clients may have the same address, and one of them must not hold up the others.
"""
ATTACH_SECONDS = 30.0
"""How long a request waits for a server that is not connected, for example while it restarts."""
WATCHED = 262_144
"""If an answer has more bytes than this, its client is watched for a disconnect."""


class Relay:
    """Passes requests on over the lanes of the newest channel."""

    def __init__(self, attach_seconds: float = ATTACH_SECONDS) -> None:
        self._attach_seconds = attach_seconds
        self._channel: Channel | None = None
        self._attached = asyncio.Event()
        self._idle: list[Lane] = []
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @property
    def channel(self) -> Channel | None:
        """The channel to the server; ``None`` while there is none."""
        return self._channel

    def attach(self, channel: Channel) -> None:
        """Use this channel from now on."""
        before, self._channel = self._channel, channel
        if before is not None:
            before.close()
        self._attached.set()

    def detach(self, channel: Channel | None) -> None:
        """Stop using this channel."""
        if channel is self._channel:
            self._channel = None
            self._attached.clear()
            while self._idle:
                self._idle.pop().close()

    def application(self, kind: Kind, address: str = "", port: int = 0, *, secure: bool) -> AsgiApplication:
        """Return the application for a listener."""

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            standing = standing_of(scope)
            head = _head(scope, (kind, address, port), secure=secure, waits=standing.awaits_body)
            async with nullcontext() if kind == "public" else self._turn(head.client):
                lane = await self._lane()
                if lane is None:
                    await _unavailable(send)
                    return
                kept = False
                try:
                    kept = await _request(lane, head, standing, receive, send)
                finally:
                    if kept and not lane.over and self._channel is not None:
                        self._idle.append(lane)
                    else:
                        lane.close()

        return app

    def _turn(self, client: str) -> asyncio.Semaphore:
        return self._turns.setdefault(client, asyncio.Semaphore(OF_ONE_ADDRESS))

    async def _lane(self) -> Lane | None:
        try:
            if not self._attached.is_set():
                async with asyncio.timeout(self._attach_seconds):
                    await self._attached.wait()
            while self._idle:
                lane = self._idle.pop()
                if not lane.over:
                    return lane
            return None if self._channel is None else await self._channel.open_lane()
        except (TimeoutError, Unavailable):
            return None


async def _request(lane: Lane, head: Head, standing: Standing, receive: Any, send: Any) -> bool:
    """Carry one request to its end; return whether the lane can be reused."""
    pump: asyncio.Task[bool] | None = None
    whole = head.body and not (head.waits or head.expects)
    started = False
    try:
        frames = [(HEAD, write_head(head))]
        if whole:
            # The client has sent everything, so this does not wait, and the server is woken once.
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            whole = not message.get("more_body", False)
            frames += [(BODY, message["body"]), *([(BODY_END, b"")] if whole else [])]
        await lane.send(*frames)
        if head.body and not head.expects and not whole:
            pump = asyncio.create_task(_pump(lane, receive))
        while (frame := await lane.next()) is not None:
            kind, content = frame
            if kind == ASK_BODY:
                pump = pump or asyncio.create_task(_pump(lane, receive))
            elif kind == KEY_NAMED:
                standing.names_key(content.decode())
            elif kind == PROVEN:
                standing.proves(content.decode())
            elif kind == STREAMED:
                standing.streams()
            elif kind == REPLY:
                status, headers = read_reply(content)
                started = True
                await send({"type": "http.response.start", "status": status, "headers": headers})
                if pump is None and _length(headers) > WATCHED:
                    pump = asyncio.create_task(_watch(lane, receive))
            else:
                await send({"type": "http.response.body", "body": content, "more_body": kind == DATA})
                if kind == LAST:
                    return not head.body or whole or (pump is not None and pump.done() and pump.result())
    except ConnectionResetError:
        pass  # The server or its application has ended.
    finally:
        if pump is not None:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
    if not started:
        await _unavailable(send)
    # Without the rest of an answer the listener closes the connection, so that the client sees that it is incomplete.
    return False


async def _pump(lane: Lane, receive: Any) -> bool:
    """Forward a request's body; return whether all of it was sent. If the client disconnects, close the lane."""
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                lane.close()
                return False
            more = message.get("more_body", False)
            frames = [(BODY, message["body"])] if message.get("body") else []
            if not more:
                frames.append((BODY_END, b""))
            if frames:
                await lane.send(*frames)
            if not more:
                return True
    except ConnectionResetError:
        return False


async def _watch(lane: Lane, receive: Any) -> bool:
    """Close the lane when the client disconnects, because nobody will receive the rest of the answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
    lane.close()
    return False


def _head(scope: Scope, place: tuple[Kind, str, int], *, secure: bool, waits: bool) -> Head:
    client, client_port = scope["client"][:2]
    named = dict(scope["headers"])
    tls = scope.get("extensions", {}).get("tls")
    return Head(
        *place,
        client=client,
        client_port=client_port,
        method=scope["method"],
        path=scope["raw_path"].partition(b"?")[0].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=flat(scope["headers"]),
        version="1.0" if scope["http_version"] == "1.0" else "1.1",
        tls=tls["tls_version"] if secure and tls else None,
        body=b"transfer-encoding" in named or named.get(b"content-length", b"0").strip(b"0") != b"",
        waits=waits,
        expects=b"expect" in named,
    )


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    declared = next((value for name, value in headers if name.lower() == b"content-length"), b"")
    return int(declared) if declared.isdigit() else WATCHED + 1


async def _unavailable(send: Any) -> None:
    text = b"The service is not available at the moment: try again.\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(text)),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": text})
