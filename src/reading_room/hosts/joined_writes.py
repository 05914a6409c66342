"""The head of an answer and the first bytes of its body in one write.

In two writes, the head wakes the client, which then often takes the processor from the server before the body is
written: a small answer took up to a millisecond longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

MOST = 64 * 1024
"""Bytes of a body's first piece that are copied behind the head; a larger one is written by itself."""
_INTERIM = b"HTTP/1.1 100 "


class JoinedWrites(asyncio.Transport):
    """What one answer is written to: keeps its head back until the next write, or until the answer ends."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: Any) -> None:
        """Write bytes; the first ones, except for ``100 Continue``, are the head."""
        if not self._begun and not data.startswith(_INTERIM):
            self._head, self._begun = data, True
        elif self._head is not None and len(data) <= MOST:
            head, self._head = self._head, None
            self._transport.write(head + data)
        else:
            self.flush()
            self._transport.write(data)

    def flush(self) -> None:
        """Write the head, if it is still kept back."""
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def close(self) -> None:
        """Write what is kept back, and close the connection."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Say whether the connection is being closed."""
        return self._transport.is_closing()

    def before(self, then: Callable[[], Any]) -> Callable[[], None]:
        """Return a function that writes what is kept back, and then calls ``then``."""

        def flushed() -> None:
            self.flush()
            then()

        return flushed
