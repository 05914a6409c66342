"""What the agent itself is short of: descriptors, memory, or room on the disk of root's files.

Most of it is found by trying, every few seconds, whether or not a turn needs it. What a step met is remembered for a
minute, because a shortage may come and go between two tries.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from reading_room.agent.spec import RESOURCES
from reading_room.dataplane.spec import Problem
from reading_room.full_disk import is_full
from reading_room.shortage import DESCRIPTORS, MEMORY, is_shortage, lacking

LEAST_ROOM = 16 << 20
"""Bytes on the disk of root's files below which the next container may not be recorded."""
LOOK_SECONDS = 5.0
REMEMBERED_SECONDS = 60.0
ROOM = "room on the disk of its files"
_NAMES = {errno.EMFILE: DESCRIPTORS, errno.ENFILE: DESCRIPTORS, errno.ENOMEM: MEMORY, errno.ENOBUFS: MEMORY}


class Shortages:
    """Finds and remembers what the agent is short of. Used by one thread."""

    def __init__(
        self,
        lacks: Callable[[], str] = lacking,
        room: Callable[[], int] = lambda: LEAST_ROOM,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``lacks`` returns what is lacking at the moment, ``room`` the free bytes where the agent writes."""
        self._lacks = lacks
        self._room = room
        self._clock = clock
        self._look_at = clock()
        self._found = ""
        self._noted: dict[str, float] = {}
        """Until when what a step lacked is remembered."""

    @classmethod
    def of(cls, folder: Path) -> Shortages:
        """Return those of this process, which writes to a folder."""

        def room() -> int:
            disk = os.statvfs(folder)
            return disk.f_bavail * disk.f_frsize

        return cls(room=room)

    def note(self, error: BaseException) -> bool:
        """Remember what a step lacked, if its error or the cause of that says so; return whether it does."""
        for each in (error, error.__cause__):
            if each is not None and (is_full(each) or is_shortage(each)):
                self._noted[_name(each)] = self._clock() + REMEMBERED_SECONDS
                return True
        return False

    def problems(self) -> tuple[Problem, ...]:
        """Return the problem to report, if there is one. Its text is the same for as long as the same is lacking."""
        now = self._clock()
        if now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            self._found = self._lacks() or ("" if self._room() >= LEAST_ROOM else ROOM)
        self._noted = {name: until for name, until in self._noted.items() if now < until}
        names = sorted({*self._noted, self._found} - {""})
        return (Problem(RESOURCES, f"the agent is short of {' and '.join(names)}"),) if names else ()


def _name(error: BaseException) -> str:
    if is_full(error):
        return ROOM
    if isinstance(error, OSError):
        return _NAMES.get(error.errno or 0, "processes")
    return MEMORY
