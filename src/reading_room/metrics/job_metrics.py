"""The metrics of jobs, read from the tables when they are asked for.

A scrape reads the jobs that have not ended, by an index, and the events since the scrape before, by their numbers. So
its cost depends on what happens, not on how many jobs there ever were.
"""

from __future__ import annotations

import datetime as dt

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.jobs.job import ACTIVE, ADMITTED, TERMINAL, Phase, Released, StopRequested
from reading_room.jobs.tables import JobEventRow, JobRow, JobUsageRow

EVENTS_READ = 50_000
"""The most events that one scrape reads. After a long time without scrapes, several of them catch up."""
DURATION_BUCKETS = (1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
_ENDS = (Released.__name__, StopRequested.__name__)
"""The events after which a job may have ended. Only a job that was never admitted ends by the second one."""


class JobMetrics:
    """Reads the metrics of jobs into ``registry``. What happened before it was made is not counted."""

    def __init__(self, registry: CollectorRegistry, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._active = Gauge(
            "reading_room_jobs", "Jobs that have not ended, by kind and phase.", ("kind", "phase"), registry=registry
        )
        self._ended = Counter(
            "reading_room_jobs_ended",
            "Jobs that ended, by kind and outcome: completed, failed, stopped.",
            ("kind", "outcome"),
            registry=registry,
        )
        self._duration = Histogram(
            "reading_room_job_duration_seconds",
            "Time from the submission of a job to its end.",
            ("kind", "outcome"),
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._waited = Histogram(
            "reading_room_job_queue_duration_seconds",
            "Time that an ended job had waited for its place.",
            ("kind",),
            buckets=DURATION_BUCKETS,
            registry=registry,
        )
        self._oldest = Gauge(
            "reading_room_jobs_oldest_queued_age_seconds",
            "How long the job that waits longest has waited for its place; 0 if none waits.",
            registry=registry,
        )
        self._documents = Counter(
            "reading_room_job_documents", "Documents that jobs have analysed.", ("kind",), registry=registry
        )
        self._characters = Counter(
            "reading_room_job_characters",
            "Characters of the documents of ended jobs, as they are billed.",
            ("kind",),
            registry=registry,
        )
        with database.reading() as session:
            self._last_event = session.scalar(select(func.max(JobEventRow.sequence))) or 0
            self._counted = {row.job_id: row.documents for row in _admitted(session)}
            """The documents of running jobs that are counted already."""

    def read(self) -> None:
        """Read the tables. Not thread-safe."""
        self._active.clear()
        with self._database.reading() as session:
            last, ended = self._ended_since(session)
            self._read_active(session)
            running = _admitted(session)
        for row, characters in ended:
            self._count_ended(row, characters)
        self._last_event = last
        counted = {}
        for row in running:
            self._count_documents(row)
            counted[row.job_id] = row.documents
        self._counted = counted

    def _ended_since(self, session: Session) -> tuple[int, list[tuple[JobRow, int]]]:
        """Return the number of the last event that was read, and the jobs that ended since the scrape before.

        Each job has the characters that it analysed.
        """
        numbers = select(JobEventRow.sequence).where(JobEventRow.sequence > self._last_event)
        newest = session.scalars(numbers.order_by(JobEventRow.sequence).limit(1).offset(EVENTS_READ - 1)).first()
        last = newest or session.scalar(select(func.max(JobEventRow.sequence))) or self._last_event
        rows = session.execute(
            select(JobEventRow.event, JobRow, JobUsageRow.characters)
            .join(JobRow, JobRow.job_id == JobEventRow.job_id)
            .outerjoin(JobUsageRow, JobUsageRow.job_id == JobRow.job_id)
            .where(JobEventRow.sequence > self._last_event, JobEventRow.sequence <= last, JobEventRow.event.in_(_ENDS))
        )
        ended = {
            row.job_id: (row, characters or 0)
            for event, row, characters in rows
            if Phase(row.phase) in TERMINAL and (event == Released.__name__ or row.admitted_at is None)
        }
        return last, list(ended.values())

    def _read_active(self, session: Session) -> None:
        oldest: dt.datetime | None = None
        query = (
            select(JobRow.phase, JobRow.kind, func.count(), func.min(JobRow.submitted_at))
            .where(JobRow.phase.in_([phase.value for phase in ACTIVE]))
            .group_by(JobRow.phase, JobRow.kind)
        )
        for phase, kind, count, first in session.execute(query):
            self._active.labels(kind, phase).set(count)
            if phase == Phase.QUEUED.value and (oldest is None or first < oldest):
                oldest = first
        self._oldest.set(0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds()))

    def _count_ended(self, row: JobRow, characters: int) -> None:
        self._count_documents(row)
        self._characters.labels(row.kind).inc(characters)
        self._ended.labels(row.kind, row.phase).inc()
        if row.ended_at is not None:
            seconds = (row.ended_at - row.submitted_at).total_seconds()
            self._duration.labels(row.kind, row.phase).observe(max(0.0, seconds))
        if row.admitted_at is not None:
            self._waited.labels(row.kind).observe(max(0.0, (row.admitted_at - row.submitted_at).total_seconds()))

    def _count_documents(self, row: JobRow) -> None:
        # Another attempt starts from zero, and its documents count again once it has passed the one before.
        more = row.documents - self._counted.get(row.job_id, 0)
        if more > 0:
            self._documents.labels(row.kind).inc(more)


def _admitted(session: Session) -> list[JobRow]:
    return list(session.scalars(select(JobRow).where(JobRow.phase.in_([phase.value for phase in ADMITTED]))))
