"""Lists of jobs, with one filter criterion, a stable order, and pages that never overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from reading_room.analysis.kind import JobKind
from reading_room.comprehend.errors import InvalidFilterException
from reading_room.comprehend.pages import DEFAULT_PAGE, Page, binding, one_criterion, read_token, write_token
from reading_room.jobs.job import TERMINAL, Phase
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
    query = select(JobRow).where(
        JobRow.account == account, JobRow.kind == kind.arn_type, *(_condition(*c) for c in criteria.items())
    )
    if token is not None:
        query = query.where(_beyond(*read_token(token, bound), descending))
    order = (JobRow.submitted_at, JobRow.job_id)
    query = query.order_by(*(c.desc() if descending else c.asc() for c in order)).limit(size + 1)
    rows = session.scalars(query).all()
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], None if last is None else write_token((last.submitted_at, last.job_id), bound))


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    match name, value:
        case "JobName", str():
            return JobRow.name == value
        case "JobStatus", str():
            return _has_status(value)
        case "SubmitTimeBefore", dt.datetime():
            return JobRow.submitted_at < value
        case "SubmitTimeAfter", dt.datetime():
            return JobRow.submitted_at > value
        case _:
            raise InvalidFilterException([name])


def _has_status(status: str) -> ColumnElement[bool]:
    if status == "SUBMITTED":
        return JobRow.phase == Phase.QUEUED.value
    if status in ("IN_PROGRESS", "STOP_REQUESTED"):
        apart = [Phase.QUEUED.value, *(phase.value for phase in TERMINAL)]
        asked = JobRow.stop_requested.is_(status == "STOP_REQUESTED")
        return and_(JobRow.phase.not_in(apart), asked)
    return JobRow.phase == status.lower()


def _beyond(at: dt.datetime, job_id: str, descending: bool) -> ColumnElement[bool]:
    same = JobRow.submitted_at == at
    if descending:
        return or_(JobRow.submitted_at < at, and_(same, JobRow.job_id < job_id))
    return or_(JobRow.submitted_at > at, and_(same, JobRow.job_id > job_id))
