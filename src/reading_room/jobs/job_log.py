"""The log streams with the stories of jobs: a log group in the account of each job, with a stream per job."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence

from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.jobs.progress import LOG_GROUP
from reading_room.jobs.tables import JobRow
from reading_room.logs import streams
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.room import LogRoom

logger = logging.getLogger(__name__)


class JobLog:
    """Writes stories to log streams; implements ``jobs.ports.Storyteller``."""

    def __init__(self, *, region: str, clock: Clock, room: LogRoom | None = None) -> None:
        self._region = region
        self._clock = clock
        self._room = room or LogRoom()

    def __call__(self, session: Session, job_id: str, lines: Sequence[tuple[dt.datetime, str]]) -> None:
        """Append lines to a job's stream. If there is no room for them, only the job's events have them."""
        events = [streams.NewEvent(streams.milliseconds(at), text) for at, text in lines]
        job = session.get(JobRow, job_id)
        if job is None:
            return
        try:
            self._room.take(session, job.account, events)
            now = streams.milliseconds(self._clock())
            streams.append(session, job.account, self._region, LOG_GROUP, job_id, events, now)
        except NoRoomForLogs as error:
            logger.warning("%d lines are missing in the log stream of job %s: %s", len(events), job_id, error)
