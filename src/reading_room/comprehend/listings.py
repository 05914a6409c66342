"""Lists of jobs: one filter criterion, stable order, pages that never overlap."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from reading_room.comprehend.errors import InvalidFilterException, InvalidNextToken
from reading_room.comprehend.job_kinds import JobKind
from reading_room.jobs.job import TERMINAL, Phase
from reading_room.jobs.tables import JobRow

DEFAULT_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, and the token for the rest; ``None`` on the last page."""

    jobs: Sequence[JobRow]
    next_token: str | None


def list_jobs(
    session: Session,
    account: str,
    kind: JobKind,
    criteria: Mapping[str, Any],
    token: str | None,
    limit: int | None,
) -> Page:
    """Return a page of the account's jobs of a kind.

    Oldest first, except with the time filter whose documentation says newest first: SubmitTimeAfter, but of topics
    SubmitTimeBefore. Both time bounds are exclusive. Raises ``InvalidFilterException`` for two criteria,
    ``InvalidNextToken`` for a token of another list.
    """
    if len(criteria) > 1:
        raise InvalidFilterException(sorted(criteria))
    descending = kind.newest_first in criteria
    binding = _binding(account, kind.list, criteria)
    size = limit or DEFAULT_PAGE
    query = select(JobRow).where(
        JobRow.account == account, JobRow.kind == kind.arn_type, *(_condition(*c) for c in criteria.items())
    )
    if token is not None:
        query = query.where(_beyond(*_read_token(token, binding), descending))
    order = (JobRow.submitted_at, JobRow.job_id)
    query = query.order_by(*(c.desc() if descending else c.asc() for c in order)).limit(size + 1)
    rows = session.scalars(query).all()
    more = len(rows) > size
    return Page(rows[:size], _write_token(rows[size - 1], binding) if more else None)


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


def _binding(account: str, operation: str, criteria: Mapping[str, Any]) -> str:
    text = json.dumps([account, operation, dict(criteria)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _write_token(row: JobRow, binding: str) -> str:
    text = json.dumps([binding, row.submitted_at.isoformat(), row.job_id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str, binding: str) -> tuple[dt.datetime, str]:
    try:
        found, at, job_id = json.loads(base64.urlsafe_b64decode(token.encode()))
        moment = dt.datetime.fromisoformat(at)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidNextToken from None
    if found != binding or not isinstance(job_id, str) or moment.tzinfo is None:
        raise InvalidNextToken
    return moment, job_id
