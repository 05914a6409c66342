"""The clock, as a value that tests can replace, a clock that they can move, and the steps of the machine's clock."""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

Clock = Callable[[], dt.datetime]
"""Returns the current time as an aware UTC datetime."""
LEAST_STEP = 5.0
"""Seconds. A smaller difference between the wall clock and the monotonic clock is a correction, not a step."""


def system_clock() -> dt.datetime:
    """Return the current time as an aware UTC datetime."""
    return dt.datetime.now(dt.UTC)


def seconds_since_boot() -> float:
    """Return the seconds since the machine's start, including those in which it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class MovableClock:
    """A clock that can be moved forward. Thread-safe.

    With ``standing_at``, it stands still at that time between moves; otherwise it runs as the machine's clock does.
    """

    def __init__(self, moved: float = 0.0, standing_at: dt.datetime | None = None) -> None:
        """``moved`` is how many seconds it was moved before."""
        self._lock = threading.Lock()
        self._moved = moved
        self._standing_at = standing_at

    def __call__(self) -> dt.datetime:
        """Return the current time as an aware UTC datetime."""
        began = self._standing_at or system_clock()
        with self._lock:
            return began + dt.timedelta(seconds=self._moved)

    @property
    def moved(self) -> float:
        """How many seconds it was moved, altogether."""
        with self._lock:
            return self._moved

    def move(self, seconds: float) -> dt.datetime:
        """Move it forward and return the new time. Raises ``ValueError`` for a move backward."""
        if seconds < 0:
            raise ValueError(f"the clock cannot be moved by {seconds} s: it only moves forward")
        with self._lock:
            self._moved += seconds
        return self()

    def machine_time(self, moment: dt.datetime) -> dt.datetime:
        """Return when the machine's clock will show that ``moment`` has come, if this one moves no more."""
        return system_clock() + (moment - self())


class ClockSteps:
    """Notices when the machine's wall clock is set, by comparing it with the monotonic clock. Not thread-safe.

    With a file, it also notices what happened between two processes. After a restart of the machine, its monotonic
    clock begins again, which looks like a step forward.
    """

    def __init__(
        self,
        kept: Path | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Continue from the file ``kept``. One that is missing or damaged is replaced."""
        self._kept = kept
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        earlier = None if kept is None else _read(kept)
        if earlier is None:
            self.keep()
        else:
            self._ahead = earlier

    def take(self) -> float:
        """Return by how many seconds the wall clock was set since the last call: forward, or less than 0 for back."""
        ahead = self._wall() - self._monotonic()
        step, self._ahead = ahead - self._ahead, ahead
        return step if abs(step) >= LEAST_STEP else 0.0

    def keep(self) -> None:
        """Write the file, so that the steps that were taken are not taken again by the next process."""
        if self._kept is None:
            return
        new = self._kept.with_suffix(".new")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w") as file:
                file.write(f"{self._ahead!r}\n")
            new.replace(self._kept)
        except OSError as error:
            # The next process then notices more or fewer steps, by which it moves the time limits of jobs.
            log.warning("%s could not be written: %s", self._kept, error)


def _read(path: Path) -> float | None:
    """Return the number in a file, or ``None`` if there is none."""
    try:
        with path.open("rb") as file:
            found = float(file.read(64))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s is replaced, since it cannot be read: %s", path, error)
        return None
    return found if math.isfinite(found) else None
