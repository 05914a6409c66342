"""The loop of retention: it deletes the records of jobs and the log events that are older than they are kept.

A turn deletes a limited number, in short transactions, and asks for another turn if more are left. It may be
interrupted anywhere.
"""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import or_, select

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.purging import forget
from reading_room.jobs.tables import JobRow
from reading_room.logs.retention import LogRetention
from reading_room.reconcile import PeriodicWork
from reading_room.settings import Settings
from reading_room.state_events.retention import StateEventRetention

logger = logging.getLogger(__name__)

TURN_SECONDS = 900.0
JOBS_AT_ONCE = 100
"""Jobs whose records one transaction deletes, since other writers wait for it."""
JOBS_PER_TURN = 2_000


class JobRetention:
    """Deletes the records of jobs that ended long ago, never those of trainings, which belong to their models."""

    def __init__(
        self, database: Database, clock: Clock, days: int, at_once: int = JOBS_AT_ONCE, most: int = JOBS_PER_TURN
    ) -> None:
        """``days`` is 0 to keep them for ever. A transaction deletes ``at_once`` records, a turn ``most``."""
        self._database = database
        self._clock = clock
        self._days = days
        self._at_once = at_once
        self._most = most

    def turn(self) -> bool:
        """Delete records. Return whether some may be left."""
        if not self._days:
            return False
        before = self._clock() - dt.timedelta(days=self._days)
        query = (
            select(JobRow)
            .where(JobRow.ended_at < before)  # Only a job that has ended has this time.
            .where(or_(JobRow.model_arn.is_(None), JobRow.model_arn != JobRow.arn))
            .order_by(JobRow.ended_at, JobRow.job_id)
            .limit(self._at_once)
        )
        deleted = 0
        while deleted < self._most:
            with self._database.transaction() as session:
                rows = session.scalars(query).all()
                forget(session, rows)
            deleted += len(rows)
            if len(rows) < self._at_once:
                break
        if deleted:
            logger.info("the records of %d jobs were deleted, which ended more than %d days ago", deleted, self._days)
        return deleted >= self._most


class Retention(PeriodicWork):
    """The loop."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._steps = (
            LogRetention(database, clock, settings.log_days),
            JobRetention(database, clock, settings.job_days),
            StateEventRetention(database, clock, settings),
        )
        # A turn that had much to delete leaves the database to others for as long.
        super().__init__("retention", every=TURN_SECONDS, rest=1.0)

    def turn(self) -> None:
        """Delete what has expired, up to the limits of a turn."""
        left = [step.turn() for step in self._steps]
        if any(left):
            self._loop.wake()
