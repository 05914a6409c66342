"""Lists of jobs, with one filter criterion, a stable order, and pages that never overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from reading_room.analysis.kind import JobKind
from reading_room.comprehend.errors import InvalidFilterException
from reading_room.comprehend.pages import DEFAULT_PAGE, Page, binding, one_criterion, read_token, write_token
from reading_room.jobs.job import ADMITTED, Phase
from reading_room.jobs.tables import JobRow


def list_jobs(
    session: Session,
    account: str,
    kind: JobKind,
    criteria: Mapping[str, Any],
    token: str | None,
    limit: int | None,
) -> Page[JobRow]:
    """Return a page of the account's jobs of a kind.

    The order is oldest first, except with the time filter whose documentation says newest first: SubmitTimeAfter, but
    SubmitTimeBefore for topics. Both time bounds are exclusive. Raises ``InvalidFilterException`` for two criteria, and
    ``InvalidNextToken`` for a token of another list.
    """
    one_criterion(criteria)
    descending = kind.newest_first in criteria
    bound = binding(account, kind.list, criteria)
    size = limit or DEFAULT_PAGE
    query = select(JobRow).where(_of_list(account, kind, criteria))
    if token is not None:
        query = query.where(_beyond(*read_token(token, bound), descending))
    order = (JobRow.submitted_at, JobRow.job_id)
    query = query.order_by(*(c.desc() if descending else c.asc() for c in order)).limit(size + 1)
    rows = session.scalars(query).all()
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], None if last is None else write_token((last.submitted_at, last.job_id), bound))


def _of_list(account: str, kind: JobKind, criteria: Mapping[str, Any]) -> ColumnElement[bool]:
    every = and_(JobRow.account == account, JobRow.kind == kind.arn_type)
    for name, value in criteria.items():
        match name, value:
            case "JobName", str():
                return and_(every, JobRow.name == value)
            case "JobStatus", "IN_PROGRESS" | "STOP_REQUESTED":
                return _running(account, kind, value == "STOP_REQUESTED")
            case "JobStatus", str():
                return and_(every, JobRow.phase == _phase(value))
            case "SubmitTimeBefore", dt.datetime():
                return and_(every, JobRow.submitted_at < value)
            case "SubmitTimeAfter", dt.datetime():
                return and_(every, JobRow.submitted_at > value)
            case _:
                raise InvalidFilterException([name])
    return every


def _phase(status: str) -> str:
    return Phase.QUEUED.value if status == "SUBMITTED" else status.lower()


def _running(account: str, kind: JobKind, stop_requested: bool) -> ColumnElement[bool]:
    """Select the few jobs that run by their phases. In the order of the list, every ended job would be read first."""
    running = aliased(JobRow)
    return JobRow.job_id.in_(
        select(running.job_id).where(
            running.phase.in_(sorted(phase.value for phase in ADMITTED)),
            running.account == account,
            running.kind == kind.arn_type,
            running.stop_requested.is_(stop_requested),
        )
    )


def _beyond(at: dt.datetime, job_id: str, descending: bool) -> ColumnElement[bool]:
    same = JobRow.submitted_at == at
    if descending:
        return or_(JobRow.submitted_at < at, and_(same, JobRow.job_id < job_id))
    return or_(JobRow.submitted_at > at, and_(same, JobRow.job_id > job_id))
