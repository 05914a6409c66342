"""Comprehend's quotas: Amazon's in the profile ``aws``, and in every profile those that protect the machine."""

from __future__ import annotations

from reading_room.aws.throttling import Buckets, Rate
from reading_room.clock import Clock
from reading_room.comprehend.endpoints.endpoints import EndpointQuota
from reading_room.comprehend.endpoints.units import EndpointUnits
from reading_room.comprehend.errors import NoRoomForJobs, RateExceeded
from reading_room.comprehend.flywheels.flywheels import FlywheelQuota
from reading_room.database.disk import Floor
from reading_room.jobs.submission import JobQuota
from reading_room.settings import Settings

ACTIVE_JOBS = 10
"""How many active jobs of one type an account can have."""

ENDPOINTS, UNITS, UNITS_EACH = 10, 100, 10
"""How many endpoints and inference units an account can have, and units an endpoint."""

FLYWHEELS, FLYWHEELS_CREATING, TRAIN_DATASETS, TEST_DATASETS, DATASETS_CREATING, ITERATIONS = 50, 10, 50, 10, 10, 10
"""How many flywheels an account can have, and of those being created; datasets of each type in a flywheel; and datasets
being created and iterations running in an account."""

RATES = {
    "DetectDominantLanguage": 40.0,
    "Detect": 20.0,
    "Contains": 20.0,
    "Classify": 20.0,
    "BatchDetect": 10.0,
    "Create": 1.0,
    "Start": 1.0,
    "Stop": 1.0,
    "Delete": 1.0,
    "Update": 1.0,
    "TagResource": 1.0,
    "UntagResource": 1.0,
    "Describe": 10.0,
    "List": 10.0,
}
"""Calls per second, by prefix of the operation's name; the first matching prefix counts."""


class Quotas:
    """Counts the calls of each account and operation."""

    def __init__(self, settings: Settings, clock: Clock, floor: Floor | None = None) -> None:
        """``floor`` is the disk space that must stay free, by default none."""
        self._enforced = settings.profile == "aws"
        self._waiting = settings.jobs_waiting_per_account
        self._floor = floor
        self.buckets = Buckets(lambda: clock().timestamp())
        """What is left of each rate. A bucket holds the calls of one second, so it allows bursts."""
        self.units = EndpointUnits()
        """The inference units of each endpoint, in every profile."""

    @property
    def endpoints(self) -> EndpointQuota:
        """The number of endpoints and inference units that an account can have."""
        return EndpointQuota(ENDPOINTS, UNITS, UNITS_EACH) if self._enforced else EndpointQuota()

    @property
    def flywheels(self) -> FlywheelQuota:
        """The number of flywheels, datasets and iterations that an account can have."""
        waiting = self._waiting or None
        if not self._enforced:
            return FlywheelQuota(waiting=waiting)
        return FlywheelQuota(
            FLYWHEELS, FLYWHEELS_CREATING, TRAIN_DATASETS, TEST_DATASETS, DATASETS_CREATING, ITERATIONS, waiting
        )

    @property
    def extensions(self) -> bool:
        """Whether requests may have languages that Amazon does not document for them."""
        return not self._enforced

    @property
    def jobs(self) -> JobQuota:
        """The number of jobs that an account can have."""
        return JobQuota(ACTIVE_JOBS if self._enforced else None, self._waiting or None)

    def require_room(self) -> None:
        """Raise ``NoRoomForJobs`` if the disk has no room for the output of a new job."""
        if self._floor is not None and self._floor.reached:
            raise NoRoomForJobs(self._floor.least)

    def count(self, account: str, operation: str) -> None:
        """Count a call. Raises ``RateExceeded`` if the account has no calls left in this second."""
        if not self._enforced:
            return
        rate = _rate(operation)
        if not self.buckets.take(Rate(rate, rate), (account, operation)):
            raise RateExceeded(operation, rate)


def _rate(operation: str) -> float:
    return next(rate for beginning, rate in RATES.items() if operation.startswith(beginning))
