"""The loop that carries out the lifecycle rules of buckets, in the process that leads."""

from __future__ import annotations

from reading_room.reconcile import PeriodicWork
from reading_room.s3.backend import Backend

TURN_SECONDS = 60.0


class LifecycleLoop(PeriodicWork):
    """Looks once a minute, or several times in a shortened day, whether a pass over a bucket is due."""

    def __init__(self, backend: Backend, day: float) -> None:
        self._backend = backend
        # A turn that had much to do leaves the database to others for as long.
        super().__init__("lifecycle", every=min(TURN_SECONDS, day / 4), rest=1.0)

    def turn(self) -> None:
        """Make the passes that are due."""
        self._backend.apply_lifecycles()
