"""The spans of a server: of calls when they are recorded, of jobs and containers when they have ended.

A call only adds a few values to a queue. A loop makes spans of them once a second, and writes them to the spool. Which
trace a call belongs to is decided by facts: calls of a job's worker and calls for a job belong to that job's trace, all
others begin their own. A header can only choose which of the job's own containers is the parent.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import func, select

from reading_room.agent.spec import ContainerTimes, HostReport
from reading_room.aws.call_record import CallRecord
from reading_room.aws.errors import UnknownOperation
from reading_room.codec import DocumentError, read_file, write_file
from reading_room.database.engine import Database
from reading_room.jobs.job import TERMINAL, Phase, Released, StopRequested
from reading_room.jobs.tables import JobEventRow, JobRow
from reading_room.reconcile import PeriodicWork
from reading_room.trace_context import CALL, JOB, is_sampled, read_traceparent, span_of, trace_of
from reading_room.traces.job_spans import (
    container_spans,
    job_of_container,
    nanoseconds,
    spans_of_container,
    spans_of_job,
)
from reading_room.traces.span import Span, fits
from reading_room.traces.spool import Spool

logger = logging.getLogger(__name__)

TURN_SECONDS = 1.0
QUEUED = 20_000
"""Calls that may wait for their spans. More are dropped, so that a flood costs no memory."""
JOBS_READ, JOBS_KNOWN = 1_000, 1_000
"""Jobs that one turn reads, and traces of jobs that are remembered."""
_ENDS = (Released.__name__, StopRequested.__name__)
"""The events after which a job may have ended. Only a job that was never admitted ends by the second one."""
_PLACE = "place.json"


@dataclass(frozen=True, slots=True)
class _Call:
    """What a span needs of a call."""

    request_id: str
    service: str
    operation: str
    ended: int
    seconds: float
    status: int
    code: str | None
    account: str | None
    job_id: str | None
    """The job to which the call belongs."""
    started: str | None
    """The job that it started."""
    traceparent: str


@dataclass(frozen=True, slots=True)
class _Known:
    """The trace of a job, and the spans that its workers may name as parents."""

    trace: str
    account: str
    parents: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the events of jobs were read, and the ended containers of the newest report that have their spans."""

    event: int
    containers: tuple[str, ...] = ()


class Traces(PeriodicWork):
    """Records the spans of a server. ``share`` is the part of calls, from 0 to 1, that begin a recorded trace.

    ``trace_of``, ``take`` and ``report`` are quick, never raise, and can be called from any thread.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        share: float = 1.0,
        queued: int = QUEUED,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """``leads`` says whether this process leads: only then it writes the spans of jobs that have ended."""
        super().__init__("traces", every=TURN_SECONDS)
        self._leads = leads
        self._database = database
        self._spool = spool
        self._share = share
        self._queued = queued
        self._calls: deque[_Call] = deque()
        self._containers: dict[str, ContainerTimes] = {}
        """The traced containers of the newest report."""
        self._ended: deque[ContainerTimes] = deque()
        """Those that have ended since the last turn."""
        self._known: OrderedDict[str, _Known | None] = OrderedDict()
        self._place: _Place | None = None
        self._queue_full = 0
        self._no_room = 0
        self._lost = False
        """Whether the last turn had no room, so that the log says it once."""

    def counts(self) -> Mapping[str, int]:
        """Return the number of spans that were ``sent`` and that were dropped, by reason."""
        sent = self._spool.sent()
        dropped = {"queue_full": self._queue_full, "no_room": self._no_room, "refused": sent.refused}
        return {"sent": sent.sent, **dropped}

    def trace_of(self, request_id: str) -> str | None:
        """Return the trace that a request begins, or ``None`` if it is not recorded."""
        trace = trace_of(request_id)
        return trace if is_sampled(trace, self._share) else None

    def take(self, record: CallRecord) -> None:
        """Take a call that has ended. Calls of nobody known are left out, as strangers must not fill the queue."""
        principal = record.principal
        if principal is None or principal.kind == "anonymous":
            return
        job_id = record.job_id or principal.bound_to
        if job_id is None and self.trace_of(record.request_id) is None:
            return
        if len(self._calls) >= self._queued:
            self._queue_full += 1
            return
        error, output = record.error, record.output
        # The name of an operation that does not exist is the client's own text.
        known = not isinstance(error, UnknownOperation) and fits("operation", record.operation)
        self._calls.append(
            _Call(
                request_id=record.request_id,
                service=record.service if fits("service", record.service) else "other",
                operation=record.operation if known else "other",
                ended=nanoseconds(record.ended_at),
                seconds=record.seconds,
                status=200 if error is None else error.status,
                code=error.code if error is not None and fits("code", error.code) else None,
                account=principal.account if fits("account", principal.account) else None,
                job_id=job_id,
                started=_started(record.service, output),
                traceparent="" if record.s3 is None else record.s3.headers.get("traceparent", ""),
            )
        )

    def report(self, report: HostReport) -> None:
        """Take the times of containers that an agent reports. One that is no longer there has ended by now."""
        before, now = self._containers, time.time()
        self._containers = {each.container_id: _with(before, each) for each in report.traced}
        for name, times in before.items():
            if name not in self._containers and not times.ended_at:
                self._ended.append(replace(times, ended_at=now))
        for name, times in self._containers.items():
            if times.ended_at and (name not in before or not before[name].ended_at):
                self._ended.append(times)

    def turn(self) -> None:
        """Write the spans of everything that has ended since the turn before."""
        calls = [self._calls.popleft() for _ in range(len(self._calls))]
        gone = [self._ended.popleft() for _ in range(len(self._ended))]
        place = self._place or self._read_place()
        # After a restart, the first report has containers again that were told of before.
        fresh = [times for times in gone if times.container_id not in place.containers]
        event, rows = self._ended_since(place.event)
        if not self._leads():
            rows = []
        self._learn({call.job_id for call in calls} | {job_of_container(times.container_id) for times in fresh})
        spans = [
            *(span for row in rows for span in spans_of_job(row)),
            *(span for times in fresh for span in self._of_container(times)),
            *(span for call in calls for span in self._of_call(call)),
        ]
        written = self._write(spans)
        self._no_room += len(spans) - written
        now = _Place(event, tuple(name for name, times in self._containers.items() if times.ended_at))
        if now != self._place:
            self._keep(now)

    def close(self) -> None:
        """Write what is still in memory."""
        try:
            self.turn()
        except Exception:
            # The rest of the server still has to end.
            logger.exception("the last spans of traces could not be written")

    def _write(self, spans: list[Span]) -> int:
        written, why = 0, "too many wait to be sent"
        if spans:
            try:
                written = self._spool.write(spans)
            except OSError as error:
                why = error.strerror or type(error).__name__
        lost = written < len(spans)
        if lost and not self._lost:
            logger.warning("spans of traces are dropped from now on: %s", why)
        elif self._lost and spans and not lost:
            logger.info("spans of traces are written again")
        self._lost = lost if spans else self._lost
        return written

    # What jobs leave in the tables

    def _ended_since(self, event: int) -> tuple[int, list[JobRow]]:
        """Return the number of the last event that was read, and the traced jobs that ended after ``event``."""
        query = (
            select(JobEventRow.sequence, JobEventRow.event, JobRow)
            .join(JobRow, JobRow.job_id == JobEventRow.job_id)
            .where(JobEventRow.sequence > event, JobEventRow.event.in_(_ENDS), JobRow.trace.is_not(None))
            .order_by(JobEventRow.sequence)
            .limit(JOBS_READ)
        )
        with self._database.reading() as session:
            newest = session.scalar(select(func.max(JobEventRow.sequence))) or 0
            rows = session.execute(query).all()
        last = rows[-1][0] if len(rows) == JOBS_READ else max(event, newest)
        ended = [
            row
            for _, name, row in rows
            if Phase(row.phase) in TERMINAL and (name == Released.__name__ or row.admitted_at is None)
        ]
        return last, ended

    def _learn(self, job_ids: Iterable[str | None]) -> None:
        """Read the traces of jobs that are not known yet."""
        wanted = [each for each in job_ids if each is not None]
        missing = [each for each in wanted if each not in self._known]
        for start in range(0, len(missing), JOBS_READ):
            some = missing[start : start + JOBS_READ]
            self._known.update(dict.fromkeys(some))
            with self._database.reading() as session:
                rows = session.execute(
                    select(JobRow.job_id, JobRow.account, JobRow.trace).where(JobRow.job_id.in_(some))
                )
                for job_id, account, trace in rows:
                    if trace is not None:
                        self._known[job_id] = _Known(trace, account, container_spans(trace, job_id))
        for each in wanted:
            self._known.move_to_end(each)
        while len(self._known) > max(JOBS_KNOWN, len(wanted)):
            self._known.popitem(last=False)

    def _of_container(self, times: ContainerTimes) -> Iterator[Span]:
        job_id = job_of_container(times.container_id)
        known = None if job_id is None else self._known.get(job_id)
        if known is not None:
            yield from spans_of_container(known.trace, known.account, times)

    def _of_call(self, call: _Call) -> Iterator[Span]:
        if call.job_id is None:
            trace, about, parent = trace_of(call.request_id), CALL, None
        else:
            known = self._known.get(call.job_id)
            if known is None:
                return  # The job is not traced.
            trace, about, parent = known.trace, call.request_id, _parent(known, call.traceparent)
        yield Span(
            trace,
            span_of(trace, about),
            parent,
            "call",
            call.ended - round(call.seconds * 1e9),
            call.ended,
            request_id=call.request_id,
            account=call.account,
            service=call.service,
            operation=call.operation,
            status=call.status,
            code=call.code,
            job_id=call.job_id or call.started,
        )

    # Where the reading of events stands, over restarts

    def _read_place(self) -> _Place:
        try:
            return read_file(_Place, self._spool.folder / _PLACE)
        except (OSError, DocumentError):
            pass  # Traces are on for the first time; what happened before is not traced.
        with self._database.reading() as session:
            return _Place(session.scalar(select(func.max(JobEventRow.sequence))) or 0)

    def _keep(self, place: _Place) -> None:
        self._place = place
        try:
            self._spool.folder.mkdir(mode=0o700, exist_ok=True)
            write_file(self._spool.folder / _PLACE, place)
        except OSError as error:
            logger.debug("the place in the events of jobs could not be kept: %s", error)


def _parent(known: _Known, traceparent: str) -> str:
    """Return the parent of a call of a job: the container of the job that its header names, or the job itself."""
    named = read_traceparent(traceparent)
    if named is not None and named[0] == known.trace and named[1] in known.parents:
        return named[1]
    return span_of(known.trace, JOB)


def _started(service: str, output: Mapping[str, object] | None) -> str | None:
    job_id = output.get("JobId") if service == "comprehend" and output else None
    return job_id if isinstance(job_id, str) and fits("job_id", job_id) else None


def _with(before: Mapping[str, ContainerTimes], times: ContainerTimes) -> ContainerTimes:
    """Return a container's times with those that only an earlier agent saw."""
    known = before.get(times.container_id)
    if known is None:
        return times
    return ContainerTimes(
        times.container_id, known.wanted_at, known.handed_at or times.handed_at, times.ended_at or known.ended_at
    )
