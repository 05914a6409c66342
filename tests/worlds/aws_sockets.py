"""An application behind the product's own listener on loopback, and raw bytes to and from it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from reading_room.hosts.front.listeners import FrontListeners
from reading_room.hosts.http_listener import CONNECTIONS, HttpListener
from reading_room.hosts.listen_addresses import ListenAddress
from reading_room.hosts.public_listener import PublicListener
from reading_room.hosts.unfinished import ROOM, Proof, Room, Unfinished
from tests.worlds.waiting import DEADLINE, eventually

BUFFER = 65_536
"""Bytes that the kernel keeps for one end of a connection. By itself it would keep megabytes, as far as it has room."""


@dataclass(frozen=True)
class Listening:
    """A listener that serves, and its port."""

    port: int
    _listener: HttpListener

    @property
    def unfinished(self) -> Unfinished:
        """The requests that are still waiting for their clients."""
        return self._listener.unfinished

    def idle(self) -> None:
        """Wait until every connection has ended, and all work for it."""
        state = self._listener._state
        eventually(lambda: not state.connections and not state.tasks)


@contextmanager
def listening(
    app: Any,
    most_of_a_peer: int | None = None,
    origins: Collection[str] = (),
    connections: int = CONNECTIONS,
    unfinished: Mapping[Proof, Room] = ROOM,
) -> Iterator[Listening]:
    """Serve an application in a thread of its own, to pages of ``origins`` too."""
    sock = socket.create_server(("127.0.0.1", 0))
    # Accepted connections have the same buffer. A larger one would take a whole answer for a client that reads nothing.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    port = int(sock.getsockname()[1])
    listener = HttpListener(
        app, sock, most_of_a_peer=most_of_a_peer, origins=origins, connections=connections, unfinished=unfinished
    )
    with _loop() as loop:
        asyncio.run_coroutine_threadsafe(listener.start(), loop).result(DEADLINE)
        try:
            yield Listening(port, listener)
        finally:
            asyncio.run_coroutine_threadsafe(listener.drain(1), loop).result(DEADLINE)


@contextmanager
def fronted(app: Any, unfinished: Mapping[Proof, Room] = ROOM) -> Iterator[Listening]:
    """Serve an application as ``listening`` does, with a front between it and the clients."""
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    port = int(sock.getsockname()[1])

    async def begin() -> tuple[PublicListener, FrontListeners]:
        listener = PublicListener(ListenAddress("127.0.0.1", port, secure=False), app, sock)
        await listener.start()
        front = FrontListeners(unfinished=unfinished)
        connect_front(listener, front)
        return listener, front

    with _loop() as loop:
        listener, front = asyncio.run_coroutine_threadsafe(begin(), loop).result(DEADLINE)
        eventually(lambda: front.public is not None)
        assert front.public is not None
        try:
            yield Listening(port, front.public)
        finally:
            asyncio.run_coroutine_threadsafe(listener.drain(1), loop).result(DEADLINE)


def connect_front(listener: PublicListener, front: FrontListeners) -> None:
    """Connect a listener to its front, as the agent does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    front.attach(theirs)
    listener.attach(ours)


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="serving")
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_settle(), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.close()


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[int]:
    """Serve an application as ``listening`` does; yield the port."""
    with listening(app, **options) as served:
        yield served.port


async def _settle() -> None:
    """Let the tasks that still run in the loop end."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def exchange(port: int, *parts: bytes, answers: int = 1) -> bytes:
    """Send raw bytes; return the received ones when there are this many answers, or when the server closes.

    Answers are counted by their status lines, and their bodies are read by ``Content-Length`` only.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
        # A client that is refused while it still sends may get an answer anyway.
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        with suppress(ConnectionError):
            while data := connection.recv(65536):
                received += data
                if len(split(received)) >= answers:
                    break
    return received


def split(received: bytes) -> list[tuple[int, bytes]]:
    """Return status and body of each complete answer; a chunked body is returned as it was sent."""
    found: list[tuple[int, bytes]] = []
    while b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = int(lengths[0]) if lengths else 0
        if b"transfer-encoding: chunked" in head.lower():
            length = rest.find(b"0\r\n\r\n") + 5
        if len(rest) < length or length == 4:
            break
        found.append((int(head.split(b" ")[1]), rest[:length]))
        received = rest[length:]
    return found
