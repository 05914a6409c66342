"""Connections between a link and ``serve``: documents at first, and then whatever the connection is for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from reading_room.agent.errors import FrameTooLarge
from reading_room.agent.frames import HEADER, framed
from reading_room.codec import DocumentError

WAITING_BYTES = 262_144
"""The most bytes that wait in one direction of a connection before the sender has to wait."""
DEAD_SECONDS = 6
"""A peer whose kernel has not answered for this long is gone. It is less than a host's lease."""


def notice_dead_peer(sock: socket.socket) -> None:
    """Let the kernel end a TCP connection whose other machine is gone, or cannot be reached."""
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, DEAD_SECONDS // 3),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, DEAD_SECONDS - DEAD_SECONDS // 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_SECONDS * 1000),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ):
        sock.setsockopt(level, option, value)


class Documents(asyncio.Protocol):
    """A connection that carries documents in frames, until it is handed over to another protocol.

    ``limit`` is the most bytes of a document; it may be changed between two of them. ``lost`` is called when the
    connection ends, unless it was handed over before.
    """

    def __init__(self, limit: int, lost: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.made = False
        """Whether there is a connection, which then has a ``transport``."""
        self.over = False
        self.transport: asyncio.Transport
        self._lost = lost
        self._buffer = bytearray()
        self._paused = False
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by the event loop."""
        self.made = True
        self.transport = transport  # type: ignore[assignment] # uvloop's transports do not inherit from asyncio's
        self.transport.set_write_buffer_limits(WAITING_BYTES)

    def data_received(self, data: bytes) -> None:
        """Keep received bytes; called by the event loop."""
        self._buffer += data
        if not self._paused and self._has_enough():
            self._paused = True
            self.transport.pause_reading()
        self._arrived.set()

    def eof_received(self) -> None:
        """Close when the other end does; called by the event loop."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End; called by the event loop."""
        self.over = True
        self._arrived.set()
        self._writable.set()
        self._lost()

    def pause_writing(self) -> None:
        """Hold up senders; called by the event loop."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let senders continue; called by the event loop."""
        self._writable.set()

    async def next(self) -> bytes | None:
        """Return the next document, ``None`` at the end. Raises ``DocumentError``, also if the end is within one."""
        while self._missing():
            if self.over:
                if self._buffer:
                    raise DocumentError("the connection ended within a document")
                return None
            if self._paused:
                self._resume()
            self._arrived.clear()
            await self._arrived.wait()
        end = HEADER + int.from_bytes(self._buffer[:HEADER], "big")
        document = bytes(memoryview(self._buffer)[HEADER:end])
        del self._buffer[:end]
        return document

    def write(self, document: bytes) -> None:
        """Send a document without waiting, if the connection is not over."""
        if not self.over:
            self.transport.write(framed(document))

    async def send(self, document: bytes) -> None:
        """Send a document, once the buffer has room. Raises ``ConnectionResetError`` if the connection is over."""
        await self._writable.wait()
        if self.over:
            raise ConnectionResetError("the connection is over")
        self.transport.write(framed(document))

    def hand_over(self, protocol: asyncio.Protocol | asyncio.BufferedProtocol) -> None:
        """Give the connection to another protocol, which first receives what has arrived beyond the last document.

        Raises ``ConnectionResetError`` if the connection is over.
        """
        if self.over or self.transport.is_closing():
            raise ConnectionResetError("the connection is over")
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        rest, self._buffer = self._buffer, bytearray()
        if self._paused:
            self._resume()
        if rest:
            _feed(protocol, bytes(rest))

    def close(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def _missing(self) -> int:
        """Return how many bytes of the next document have not arrived. Raises ``FrameTooLarge``."""
        have = len(self._buffer)
        if have < HEADER:
            return HEADER - have
        size = int.from_bytes(self._buffer[:HEADER], "big")
        if size > self.limit:
            raise FrameTooLarge(size, self.limit)
        return max(0, HEADER + size - have)

    def _has_enough(self) -> bool:
        """Return whether to read no more before a document is taken."""
        try:
            return self._missing() == 0 and len(self._buffer) > WAITING_BYTES
        except FrameTooLarge:
            return True  # Whoever takes the next document learns of it.

    def _resume(self) -> None:
        self._paused = False
        if not self.over:
            self.transport.resume_reading()


class Relayed(asyncio.Protocol):
    """One end of two connections whose bytes are passed on to each other; see ``relay``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._other: Relayed
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by the event loop."""
        self._transport = transport  # type: ignore[assignment]
        self._transport.set_write_buffer_limits(WAITING_BYTES)

    def data_received(self, data: bytes) -> None:
        """Pass received bytes on; called by the event loop."""
        self._other._transport.write(data)

    def pause_writing(self) -> None:
        """Let the other connection's peer wait; called by the event loop."""
        self._other._read(on=False)

    def resume_writing(self) -> None:
        """Let the other connection's peer continue; called by the event loop."""
        self._other._read(on=True)

    def eof_received(self) -> None:
        """Close when the peer does; called by the event loop."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other connection too, once everything is passed on; called by the event loop."""
        if not self._ended.done():
            self._ended.set_result(None)
        self._other._transport.close()

    def _read(self, *, on: bool) -> None:
        if self._transport.is_closing():
            return
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()


async def relay(sock: socket.socket, connection: Documents) -> None:
    """Pass bytes between a Unix stream socket, which becomes the relay's, and a connection, until one of them ends.

    A peer that does not read makes only the other one wait. If this is cancelled, both end at once. Raises
    ``ConnectionResetError`` if the connection is over already.
    """
    near, far = Relayed(), Relayed()
    near._other, far._other = far, near
    try:
        sock.setblocking(False)
        # Nothing is read before both ends know each other's transport.
        far._transport = connection.transport
        transport, _ = await asyncio.get_running_loop().create_unix_connection(lambda: near, sock=sock)
    except BaseException:
        sock.close()
        connection.close()
        raise
    try:
        connection.hand_over(far)
        await asyncio.gather(near._ended, far._ended)
    finally:
        transport.abort()
        connection.close()


def _feed(protocol: asyncio.Protocol | asyncio.BufferedProtocol, data: bytes) -> None:
    """Give bytes to a protocol as the event loop would."""
    if isinstance(protocol, asyncio.Protocol):
        protocol.data_received(data)
        return
    while data:
        room = memoryview(protocol.get_buffer(len(data)))
        count = min(len(room), len(data))
        room[:count] = data[:count]
        room.release()
        protocol.buffer_updated(count)
        data = data[count:]
