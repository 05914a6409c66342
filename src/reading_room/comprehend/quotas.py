"""Comprehend's quotas: Amazon's own figures in the profile ``aws``; in any, what protects the machine."""

from __future__ import annotations

import datetime as dt
import threading

from reading_room.clock import Clock
from reading_room.comprehend.errors import NoRoomForJobs, RateExceeded
from reading_room.database.disk import Floor
from reading_room.jobs.submission import JobQuota
from reading_room.settings import Settings

ACTIVE_JOBS = 10
"""Active jobs of one type that an account may have."""

RATES = {
    "DetectDominantLanguage": 40.0,
    "Detect": 20.0,
    "BatchDetect": 10.0,
    "Create": 1.0,
    "Start": 1.0,
    "Stop": 1.0,
    "Delete": 1.0,
    "TagResource": 1.0,
    "UntagResource": 1.0,
    "Describe": 10.0,
    "List": 10.0,
}
"""Calls a second, by how the operation's name begins; the first that fits counts."""


class Quotas:
    """Counts calls per account and operation."""

    def __init__(self, settings: Settings, clock: Clock, floor: Floor | None = None) -> None:
        """``floor`` is what has to stay free of the disk; by default nothing has."""
        self._enforced = settings.profile == "aws"
        self._waiting = settings.jobs_waiting_per_account
        self._floor = floor
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, dt.datetime]] = {}

    @property
    def jobs(self) -> JobQuota:
        """How many jobs an account may have."""
        return JobQuota(ACTIVE_JOBS if self._enforced else None, self._waiting or None)

    def require_room(self) -> None:
        """Return unless the disk has no room for what a new job writes. Raises ``NoRoomForJobs``."""
        if self._floor is not None and self._floor.reached:
            raise NoRoomForJobs(self._floor.least)

    def count(self, account: str, operation: str) -> None:
        """Count a call. Raises ``RateExceeded`` when the account has used up this second's."""
        if not self._enforced:
            return
        rate = _rate(operation)
        now = self._clock()
        with self._lock:
            # A bucket of one second's calls that fills at the rate: a burst of that many passes.
            left, then = self._buckets.get((account, operation), (rate, now))
            left = min(rate, left + (now - then).total_seconds() * rate)
            if left < 1:
                raise RateExceeded(operation, rate)
            self._buckets[(account, operation)] = (left - 1, now)


def _rate(operation: str) -> float:
    return next(rate for beginning, rate in RATES.items() if operation.startswith(beginning))
