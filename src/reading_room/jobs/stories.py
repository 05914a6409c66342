"""Copying each job's events to its log stream, so that ``jobs explain`` and the AWS CLI show the same story.

The events are rows, written in the transactions that they describe. This loop only copies them, a moment later and in
batches, so that it does not compete with a job that is starting. One transaction copies a batch and marks it, so each
line is copied exactly once.
"""

from __future__ import annotations

import datetime as dt
import threading
from itertools import groupby

from sqlalchemy import select, update

from reading_room.database.engine import Database
from reading_room.jobs.ports import Storyteller
from reading_room.jobs.tables import JobEventRow
from reading_room.reconcile import Guard, Loop, always

BATCH = 500
SETTLE_SECONDS = 0.1
"""How long a line may wait for others. The controller has everything copied before a job's end can be seen."""


class Stories:
    """The loop that copies events to log streams."""

    def __init__(self, database: Database, storyteller: Storyteller) -> None:
        self._database = database
        self._storyteller = storyteller
        self._turn_lock = threading.Lock()
        self._loop = Loop("job stories", self.turn, every=5.0, settle=SETTLE_SECONDS)

    def start(self, guard: Guard = always) -> None:
        """Start the loop; ``guard`` is as for ``Loop.start``."""
        self._loop.start(guard)

    def stop(self) -> bool:
        """End the loop; return whether it ended."""
        return self._loop.stop()

    def wake(self) -> None:
        """Request a turn. Never blocks."""
        self._loop.wake()

    def hurry(self) -> None:
        """Request a turn at once, because a job has ended. Never blocks."""
        self._loop.hurry()

    def turn(self) -> None:
        """Copy every event that has not been copied yet, oldest first, each job's lines together. Thread-safe."""
        with self._turn_lock:
            while self._copy_batch():
                pass

    def _copy_batch(self) -> bool:
        with self._database.reading() as session:
            rows = session.scalars(
                select(JobEventRow)
                .where(~JobEventRow.told)
                .order_by(JobEventRow.job_id, JobEventRow.sequence)
                .limit(BATCH)
            ).all()
        if not rows:
            return False
        copied = [row.sequence for row in rows]
        with self._database.transaction() as session:
            for job_id, events in groupby(rows, key=lambda row: row.job_id):
                lines: list[tuple[dt.datetime, str]] = [(row.at, f"{row.event}: {row.text}") for row in events]
                self._storyteller(session, job_id, lines)
            session.execute(update(JobEventRow).where(JobEventRow.sequence.in_(copied)).values(told=True))
        return True
