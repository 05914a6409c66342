"""Copies of files with their digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

PIECE = 256 * 1024
"""Bytes that are read at once. They stay in the processor's cache until they are digested and written: with pieces of
4 MB a copy takes twice the processor time, and a second thread for the digests does not make up for it."""


class Truncated(Exception):
    """A file ends before the expected size."""


class Copier:
    """Copies ranges of files and computes their SHA-256. ``tick`` is called before each piece. Not thread-safe."""

    def __init__(self, tick: Callable[[], None] = lambda: None) -> None:
        self._tick = tick
        self._buffer = memoryview(bytearray(PIECE))

    def copy(self, source: int, target: int | None, size: int, start: int = 0) -> bytes:
        """Append ``size`` bytes of one descriptor, from ``start`` on, to another one, and return their digest.

        Without a target, the bytes are only read. Raises ``Truncated``, and ``OSError``.
        """
        digest = hashlib.sha256()
        left = size
        while left:
            self._tick()
            count = os.preadv(source, [self._buffer[: min(left, PIECE)]], start)
            if not count:
                raise Truncated
            piece = self._buffer[:count]
            digest.update(piece)
            while target is not None and piece:
                piece = piece[os.write(target, piece) :]
            start += count
            left -= count
        return digest.digest()
