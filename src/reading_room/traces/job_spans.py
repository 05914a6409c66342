"""The spans of jobs and of their containers, from rows and from the times that agents report."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from reading_room.agent.spec import ContainerTimes
from reading_room.jobs.job import ATTEMPTS, CONTAINERS, REPLACEMENTS, Phase
from reading_room.jobs.record import container_id
from reading_room.jobs.tables import JobRow
from reading_room.trace_context import CALL, JOB, request_of, span_of
from reading_room.traces.span import Outcome, Span, What

_CONTAINER = re.compile(r"job-([0-9a-f]{32})-([0-9]{1,2})(?:-([0-9]{1,2}))?")
_OUTCOMES: dict[str, Outcome] = {
    Phase.COMPLETED.value: "completed",
    Phase.FAILED.value: "failed",
    Phase.STOPPED.value: "stopped",
}


def nanoseconds(moment: dt.datetime) -> int:
    """Return a time as nanoseconds since 1970."""
    since = moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def container_spans(trace: str, job_id: str) -> frozenset[str]:
    """Return the ids of the spans of all containers that a job can have, which its workers may name as parents."""
    return frozenset(
        span_of(trace, container_id(job_id, attempt, member))
        for attempt in range(1, ATTEMPTS + 1)
        for member in range(CONTAINERS + REPLACEMENTS)
    )


def spans_of_job(row: JobRow) -> Iterator[Span]:
    """Yield the spans of a traced job that has ended: its own, and one for each phase that it was in."""
    trace = str(row.trace)
    ended = row.ended_at or row.submitted_at
    job = span_of(trace, JOB)
    yield Span(
        trace,
        job,
        span_of(trace, CALL),
        "job",
        nanoseconds(row.submitted_at),
        _after(nanoseconds(row.submitted_at), nanoseconds(ended)),
        request_id=request_of(trace),
        account=row.account,
        code=row.failure_code,
        job_id=row.job_id,
        kind=row.kind,
        outcome=_OUTCOMES.get(row.phase),
        attempt=row.attempt,
    )
    for phase, began, until in _phases(row, ended):
        start = nanoseconds(began)
        end = _after(start, nanoseconds(until))
        yield Span(trace, span_of(trace, phase), job, phase, start, end, account=row.account, job_id=row.job_id)


def _phases(row: JobRow, ended: dt.datetime) -> Iterator[tuple[What, dt.datetime, dt.datetime]]:
    """Yield each phase that a job was in, with its times. Running begins with the first attempt's containers."""
    finishing = row.finishing_at or ended
    yield "queued", row.submitted_at, row.admitted_at or finishing
    if row.admitted_at is not None:
        yield "preparing", row.admitted_at, row.running_at or finishing
    if row.running_at is not None:
        stopping = row.stop_asked_at if row.stop_asked_at is not None and row.stop_asked_at < finishing else None
        yield "running", row.running_at, stopping or finishing
        if stopping is not None:
            yield "stopping", stopping, finishing
    if row.finishing_at is not None:
        yield "finishing", row.finishing_at, ended


def job_of_container(identifier: str) -> str | None:
    """Return the job of a container by its id, or ``None`` if the id is not that of a job's container."""
    found = _CONTAINER.fullmatch(identifier)
    return None if found is None else found[1]


def spans_of_container(trace: str, account: str, times: ContainerTimes) -> Iterator[Span]:
    """Yield the spans of a container that has ended: the agent's work to start it, and the container's own.

    Of a step that no agent saw, nothing is known but that it came before the next one that was seen.
    """
    found = _CONTAINER.fullmatch(times.container_id)
    assert found is not None, "the caller has the job from this id"
    job_id, attempt, member = found[1], int(found[2]), int(found[3] or 0)
    running = span_of(trace, "running")
    wanted, handed, ended = (round(each * 1e9) for each in (times.wanted_at, times.handed_at, times.ended_at))
    if handed:
        agent, until = span_of(trace, f"{times.container_id} agent"), _after(wanted, handed)
        yield Span(
            trace, agent, running, "agent", wanted, until,
            account=account, job_id=job_id, attempt=attempt, member=member,
        )  # fmt: skip
    own, began = span_of(trace, times.container_id), handed or wanted
    yield Span(
        trace, own, running, "container", began, _after(began, ended),
        account=account, job_id=job_id, attempt=attempt, member=member,
    )  # fmt: skip


def _after(began: int, ended: int) -> int:
    """Return when a span ended: a clock that was set back must not make it end before it began."""
    return max(began, ended)
