"""Erasing ended jobs: their rows, and the log streams with their stories. Functions on a database session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.jobs.errors import JobRuns, ModelsTraining, UnknownJob
from reading_room.jobs.job import TERMINAL, Phase, job_status
from reading_room.jobs.progress import LOG_GROUP
from reading_room.jobs.record import job_of
from reading_room.jobs.tables import JobEventRow, JobRow, JobTagRow
from reading_room.logs import streams


@dataclass(frozen=True, slots=True)
class Story:
    """What the service recorded of a job: lines in its table of events, and lines and bytes of its log stream."""

    events: int
    lines: int
    bytes: int


def ended_job(session: Session, account: str, identifier: str) -> JobRow:
    """Return an ended job by its id or ARN.

    Raises ``UnknownJob``, ``JobRuns`` for a job that has not ended, and ``ModelsTraining`` for the training of a custom
    model, whose record belongs to the model.
    """
    row = found_job(session, account, identifier)
    if row is None:
        raise UnknownJob(identifier)
    if row.is_training:
        raise ModelsTraining(row.arn)
    if Phase(row.phase) not in TERMINAL:
        raise JobRuns(row.job_id, job_status(job_of(row)))
    return row


def found_job(session: Session, account: str, identifier: str) -> JobRow | None:
    """Return an account's job or training by its id or ARN, or ``None``."""
    column = JobRow.arn if identifier.startswith("arn:") else JobRow.job_id
    return session.scalar(select(JobRow).where(column == identifier, JobRow.account == account))


def story_of(session: Session, row: JobRow) -> Story:
    """Return how much the story of a job is."""
    events = session.scalar(select(func.count()).where(JobEventRow.job_id == row.job_id)) or 0
    return Story(events, *streams.size_of(session, row.account, LOG_GROUP, row.job_id))


def forget(session: Session, rows: Sequence[JobRow]) -> None:
    """Delete the records of ended jobs with their events and tags. Their log streams stay.

    An ended job has no containers, interfaces or parts any more.
    """
    ids = [row.job_id for row in rows]
    session.execute(delete(JobEventRow).where(JobEventRow.job_id.in_(ids)))
    session.execute(delete(JobTagRow).where(JobTagRow.arn.in_([row.arn for row in rows])))
    session.execute(delete(JobRow).where(JobRow.job_id.in_(ids)))


def erase(session: Session, row: JobRow) -> None:
    """Delete the record of an ended job, and its log stream.

    Lines that were not copied to the stream yet are deleted, too: the copying finds no job and writes nothing.
    """
    streams.delete_stream(session, row.account, LOG_GROUP, row.job_id)
    forget(session, [row])
