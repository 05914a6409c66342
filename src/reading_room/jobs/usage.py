"""What is billed of jobs and synchronous calls, by account and month, as functions on a database session.

A job is counted once, in the transaction that accepts its result, by a row with the job's id. Months are those of UTC.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.analysis.billing import LEAST_UNITS, UNIT_CHARACTERS
from reading_room.database.functions import dialect_name, insert_for
from reading_room.jobs.job import OutputSeen
from reading_room.jobs.tables import CallUsageRow, JobRow, JobUsageRow


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, of one kind in one account and month, or by one job.

    ``kind`` is a kind of job such as ``entities``, or a synchronous operation. ``times`` counts jobs or calls.
    ``input_bytes`` is only for topics, and ``training_seconds`` only for trainings.
    """

    month: str
    account: str
    kind: str
    times: int
    documents: int = 0
    characters: int = 0
    units: int = 0
    input_bytes: int = 0
    training_seconds: int = 0
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """Synchronous calls of an operation, and the texts that got a result."""

    times: int
    documents: int
    characters: int
    units: int


def month_of(moment: dt.datetime) -> str:
    """Return the month of a time, such as ``2026-11``."""
    return f"{moment.astimezone(dt.UTC):%Y-%m}"


def add_job(session: Session, row: JobRow, seen: OutputSeen, now: dt.datetime) -> None:
    """Count a job whose result was accepted.

    What its worker reports is not trusted: it counts at most what the limits of the job allow.
    """
    text = row.total_limit
    seconds = 0
    if row.is_training and row.running_at is not None:
        seconds = max(0, math.ceil((now - row.running_at).total_seconds()))
    documents = 0 if row.is_training else min(seen.documents, row.documents_limit)
    session.add(
        JobUsageRow(
            job_id=row.job_id,
            account=row.account,
            month=month_of(now),
            kind=row.analysis,
            ended_at=now,
            documents=documents,
            characters=min(seen.consumed.characters, text),
            units=min(seen.consumed.units, LEAST_UNITS * documents + text // UNIT_CHARACTERS),
            input_bytes=min(seen.consumed.input_bytes, text),
            training_seconds=seconds,
        )
    )


def add_calls(session: Session, calls: Mapping[tuple[str, str, str], Calls]) -> None:
    """Add synchronous calls to the counts of their account, month and operation."""
    insert = insert_for(dialect_name(session))
    for (account, month, operation), added in calls.items():
        row = {
            "calls": added.times,
            "documents": added.documents,
            "characters": added.characters,
            "units": added.units,
        }
        new = insert(CallUsageRow).values(account=account, month=month, operation=operation, **row)
        sums = {name: getattr(CallUsageRow, name) + value for name, value in row.items()}
        session.execute(
            new.on_conflict_do_update(index_elements=["account", "month", "operation"], set_=sums),
            execution_options={"synchronize_session": False},
        )


def by_kind(session: Session, month: str, account: str | None = None) -> list[Usage]:
    """Return a month's sums of each kind of job and each operation, of one account or of all."""
    job, call = JobUsageRow, CallUsageRow
    sums = (job.documents, job.characters, job.units, job.input_bytes, job.training_seconds)
    jobs = (
        select(job.month, job.account, job.kind, func.count(), *map(func.sum, sums))
        .where(job.month == month)
        .group_by(job.month, job.account, job.kind)
        .order_by(job.account, job.kind)
    )
    calls = (
        select(call.month, call.account, call.operation, call.calls, call.documents, call.characters, call.units)
        .where(call.month == month)
        .order_by(call.account, call.operation)
    )
    if account is not None:
        jobs, calls = jobs.where(job.account == account), calls.where(call.account == account)
    return [Usage(*found) for query in (jobs, calls) for found in session.execute(query)]


def by_job(
    session: Session, month: str, account: str | None = None, after: str = "", most: int | None = None
) -> list[Usage]:
    """Return what each job of a month used, in the order of their ids, at most ``most`` of those behind ``after``."""
    query = select(JobUsageRow).where(JobUsageRow.month == month, JobUsageRow.job_id > after)
    if account is not None:
        query = query.where(JobUsageRow.account == account)
    return [usage_of(row) for row in session.scalars(query.order_by(JobUsageRow.job_id).limit(most))]


def of_jobs(session: Session, job_ids: Sequence[str]) -> dict[str, Usage]:
    """Return what jobs used that have been counted, by their ids."""
    rows = session.scalars(select(JobUsageRow).where(JobUsageRow.job_id.in_(job_ids)))
    return {row.job_id: usage_of(row) for row in rows}


def usage_of(row: JobUsageRow) -> Usage:
    """Return the usage of one job."""
    return Usage(
        row.month,
        row.account,
        row.kind,
        1,
        row.documents,
        row.characters,
        row.units,
        row.input_bytes,
        row.training_seconds,
        row.job_id,
    )
