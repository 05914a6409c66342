"""The clock, as a value that tests can replace, and a clock that they can move."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

Clock = Callable[[], dt.datetime]
"""Returns the current time as an aware UTC datetime."""


def system_clock() -> dt.datetime:
    """Return the current time as an aware UTC datetime."""
    return dt.datetime.now(dt.UTC)


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
