"""The story of a job in its account's logs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.progress import LOG_GROUP
from reading_room.jobs.tables import JobRow
from reading_room.logs import streams


class JobLog:
    """Writes job stories where people read them: a log group of the job's own account, a stream for each job."""

    def __init__(self, database: Database, region: str, clock: Clock) -> None:
        self._database = database
        self._region = region
        self._clock = clock

    def __call__(self, job_id: str, lines: Sequence[tuple[dt.datetime, str]]) -> None:
        """Append lines to a job's stream."""
        events = [streams.NewEvent(streams.milliseconds(at), text) for at, text in lines]
        with self._database.transaction() as session:
            job = session.get(JobRow, job_id)
            if job is not None:
                now = streams.milliseconds(self._clock())
                streams.append(session, job.account, self._region, LOG_GROUP, job_id, events, now)
