"""The data folder's file system: how much of it is free, and how much must stay free."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 0.1
"""How long a measurement of the file system is reused."""


def free_bytes(folder: Path | int) -> int:
    """Return the bytes that an ordinary user can still write on a folder's file system. Raises ``OSError``.

    ``folder`` is a path or an open descriptor.
    """
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def all_bytes(folder: Path) -> int:
    """Return the size of a folder's file system. Raises ``OSError``."""
    disk = os.statvfs(folder)
    return disk.f_blocks * disk.f_frsize


class Floor:
    """The bytes of a file system to keep free; 0 means none. ``free`` returns how many are free."""

    def __init__(self, least: int, free: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self.least = least
        self._free = free
        self._clock = clock
        self._above, self._until = 0, clock()

    @property
    def reached(self) -> bool:
        """Whether nothing more should be written; false while the folder does not exist yet."""
        if not self.least:
            return False
        now = self._clock()
        if now >= self._until or self._above < 0:
            try:
                free = self._free()
            except FileNotFoundError:
                free = self.least
            self._above, self._until = free - self.least, now + LOOK_SECONDS
        return self._above < 0
