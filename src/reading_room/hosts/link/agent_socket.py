"""The link's end of its connection to the agent: whole documents, unread, with the sockets that came with them."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from reading_room.agent.frames import FrameReader, connected, send_frame

Sent = tuple[bytes, list[socket.socket]]


class AgentSocket:
    """A connected socket, read in one thread and written in another, because descriptors come with its bytes."""

    def __init__(self, path: Path) -> None:
        """Connect. Raises ``OSError``."""
        self._socket = connected(path)
        self._reader = FrameReader(self._socket, take_descriptors=True)
        self._threads = ThreadPoolExecutor(2, "agent-socket")
        self._reading: Future[Sent | None] | None = None

    async def next(self) -> Sent | None:
        """Return the next document with its sockets, which the caller owns; ``None`` at the end.

        Raises ``OSError`` and ``DocumentError``.
        """
        self._reading = self._threads.submit(self._read)
        sent = await asyncio.wrap_future(self._reading)
        self._reading = None
        return sent

    async def send(self, document: bytes) -> None:
        """Send a document; waits while the agent does not read. Raises ``OSError``."""
        await asyncio.wrap_future(self._threads.submit(send_frame, self._socket, document))

    async def close(self) -> None:
        """End the connection."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The agent closed it first.
        await asyncio.to_thread(self._threads.shutdown)
        # Whoever waited for a document was cancelled, and cannot take its sockets.
        if self._reading is not None and not self._reading.cancelled() and self._reading.exception() is None:
            _, sockets = self._reading.result() or (b"", [])
            for each in sockets:
                each.close()
        self._reader.close()

    def _read(self) -> Sent | None:
        document = self._reader.read()
        sockets: list[socket.socket] = []
        try:
            while self._reader.descriptors:
                sockets.append(self._reader.take())
        except BaseException:
            for each in sockets:
                each.close()
            raise
        return None if document is None else (document, sockets)
