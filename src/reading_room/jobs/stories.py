"""Tells each job's events to its log stream, so that ``jobs explain`` and the AWS CLI read the same story.

The events are rows, written with what they tell of. This loop only copies them, a moment later and several at once,
so that it does not compete with a job that is starting; a crash between telling and marking repeats a line rather than
losing one.
"""

from __future__ import annotations

import datetime as dt
import threading
from itertools import groupby

from sqlalchemy import select, update

from reading_room.database.engine import Database
from reading_room.jobs.ports import Storyteller
from reading_room.jobs.tables import JobEventRow
from reading_room.reconcile import Loop

BATCH = 500
SETTLE_SECONDS = 0.1
"""How long a line may wait for others. The controller has everything told before a job's end is seen."""


class Stories:
    """The loop that tells."""

    def __init__(self, database: Database, storyteller: Storyteller) -> None:
        self._database = database
        self._storyteller = storyteller
        self._telling = threading.Lock()
        self._loop = Loop("job stories", self.turn, every=5.0, settle=SETTLE_SECONDS)

    def start(self) -> None:
        """Start the loop."""
        self._loop.start()

    def stop(self) -> bool:
        """End the loop; return whether it ended."""
        return self._loop.stop()

    def wake(self) -> None:
        """Ask for a turn. Never waits."""
        self._loop.wake()

    def hurry(self) -> None:
        """Ask for a turn at once: a job has ended. Never waits."""
        self._loop.hurry()

    def turn(self) -> None:
        """Tell every event that was not told yet, oldest first, each job's lines together. Thread-safe."""
        with self._telling:
            while self._tell_batch():
                pass

    def _tell_batch(self) -> bool:
        with self._database.reading() as session:
            rows = session.scalars(
                select(JobEventRow)
                .where(~JobEventRow.told)
                .order_by(JobEventRow.job_id, JobEventRow.sequence)
                .limit(BATCH)
            ).all()
        if not rows:
            return False
        for job_id, events in groupby(rows, key=lambda row: row.job_id):
            lines: list[tuple[dt.datetime, str]] = [(row.at, f"{row.event}: {row.text}") for row in events]
            self._storyteller(job_id, lines)
        told = [row.sequence for row in rows]
        with self._database.transaction() as session:
            session.execute(update(JobEventRow).where(JobEventRow.sequence.in_(told)).values(told=True))
        return True
