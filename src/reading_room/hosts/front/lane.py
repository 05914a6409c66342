"""A lane: one stream between a front and the server, for one HTTP request after the other.

A frame is a byte for its kind, four bytes of length (big-endian), and that many bytes of content. An end that does not
read only holds up the other end of the same lane, through the socket's buffers.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Sequence

from reading_room.codec import DocumentError
from reading_room.hosts.front.records import HEAD_LIMIT

HEAD, BODY, BODY_END = b"h", b"b", b"e"
"""From the front: the head of a request, a piece of its body, the end of its body."""
ASK_BODY, REPLY, DATA, LAST = b"w", b"r", b"d", b"l"
"""From the server: a request for the body, the head of the answer, a piece of its body, the last piece of it."""
KEY_NAMED, PROVEN, STREAMED = b"k", b"p", b"s"
"""From the server, about the request: the id of the key that it names, the account that signed it, its body is not
kept in memory."""
PIECE_LIMIT = 262_144
BUFFER_BYTES = 16_384
"""The most bytes that are read at once, unless the rest of a longer frame is expected."""
WAITING_BYTES = 524_288
"""The most bytes that wait to be taken, or to be sent, before the other end or the writer has to wait."""
_FRAME = struct.Struct("!cI")


def is_lane(sent: Sequence[socket.socket]) -> bool:
    """Return whether these sockets, which came with a message, are one that can be a lane."""
    return len(sent) == 1 and sent[0].family == socket.AF_UNIX and sent[0].type == socket.SOCK_STREAM


class Lane(asyncio.BufferedProtocol):
    """One end of a lane, once its transport is made."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(BUFFER_BYTES)
        self._filled = 0
        self._long: tuple[bytes, bytearray] | None = None
        """A frame that does not fit into the buffer: its kind, and the content received so far."""
        self._frames: deque[tuple[bytes, bytes]] = deque()
        self._bytes = 0
        self._paused = False
        self._over = asyncio.Event()
        self._fault: DocumentError | None = None
        self._arrived: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by the event loop."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]
        transport.set_write_buffer_limits(WAITING_BYTES)  # type: ignore[attr-defined]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for received bytes; called by the event loop."""
        return memoryview(self._buffer if self._long is None else self._long[1])[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Split received bytes into frames; called by the event loop."""
        self._filled += nbytes
        if self._long is None:
            self._cut()
        elif self._filled == len(self._long[1]):
            kind, content = self._long
            self._filled, self._long = 0, None
            self._take(kind, bytes(content))
        if self._fault is not None:
            self.close()
        elif self._bytes > WAITING_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def _cut(self) -> None:
        buffer, place, filled = self._buffer, 0, self._filled
        while filled - place >= _FRAME.size:
            kind, size = _FRAME.unpack_from(buffer, place)
            if size > max(PIECE_LIMIT, HEAD_LIMIT):
                self._fault = DocumentError("a frame of a lane is too long")
                return
            begin = place + _FRAME.size
            if begin + size <= filled:
                self._take(kind, bytes(buffer[begin : begin + size]))
                place = begin + size
            elif size > BUFFER_BYTES - _FRAME.size:
                content = bytearray(size)
                self._filled = filled - begin
                content[: self._filled] = buffer[begin:filled]
                self._long = (kind, content)
                return
            else:
                break
        buffer[: filled - place] = buffer[place:filled]
        self._filled = filled - place

    def _take(self, kind: bytes, content: bytes) -> None:
        self._frames.append((kind, content))
        self._bytes += len(content)

    def eof_received(self) -> None:
        """Close when the other end does; called by the event loop."""

    def connection_lost(self, exc: Exception | None) -> None:
        """End; called by the event loop."""
        self._over.set()
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        """Hold up writers; called by the event loop."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let writers continue; called by the event loop."""
        self._writable.set()

    @property
    def over(self) -> bool:
        """Whether the other end is gone or this end was closed."""
        return self._over.is_set()

    async def ended(self) -> None:
        """Wait until the lane is over; frames that arrive in the meantime can still be taken."""
        await self._over.wait()

    async def next(self) -> tuple[bytes, bytes] | None:
        """Return the kind and content of the next frame; ``None`` at the end. Raises ``DocumentError``."""
        while not self._frames:
            if self._fault is not None:
                raise self._fault
            if self.over:
                return None
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        kind, content = self._frames.popleft()
        self._bytes -= len(content)
        if self._paused and self._bytes <= WAITING_BYTES // 2 and self._transport is not None and not self.over:
            self._paused = False
            self._transport.resume_reading()
        return kind, content

    async def send(self, *frames: tuple[bytes, bytes]) -> None:
        """Send frames, once the buffer has room. Raises ``ConnectionResetError`` if the lane is over."""
        if self.over or self._transport is None:
            raise ConnectionResetError("the lane is over")
        parts: list[bytes] = []
        for kind, content in frames:
            for start in range(0, len(content), PIECE_LIMIT) or (0,):
                piece = content[start : start + PIECE_LIMIT]
                last = start + PIECE_LIMIT >= len(content)
                parts += (_FRAME.pack(kind if last or kind != LAST else DATA, len(piece)), piece)
        self._transport.writelines(parts)
        await self._writable.wait()

    def tell(self, kind: bytes, content: bytes) -> None:
        """Send a short frame without waiting, if the lane is not over."""
        if not self.over and self._transport is not None:
            self._transport.write(_FRAME.pack(kind, len(content)) + content)

    def close(self) -> None:
        """Close this end at once."""
        self._over.set()
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
