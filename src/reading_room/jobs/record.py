"""Writing events and their effects as rows: ``apply`` runs the state machine and writes its result."""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.database import rows
from reading_room.jobs.changes import record_status
from reading_room.jobs.job import (
    TERMINAL,
    AddContainer,
    AskToStop,
    Change,
    DropContainer,
    Event,
    Job,
    MemberPrepared,
    ModelSeen,
    Outcome,
    OutputSeen,
    Phase,
    PlaceContainer,
    Prepared,
    Reduced,
    job_status,
)
from reading_room.jobs.state_machine import InvalidTransition, advance, describe
from reading_room.jobs.tables import JobContainerRow, JobEventRow, JobRow
from reading_room.jobs.usage import add_job

_NOTE = insert(rows.table(JobEventRow))
LOCAL_HOST = "local"
"""The first host: that of every container while there is no other, and until a container is placed."""


def job_of(row: JobRow) -> Job:
    """Return the state of a row for the state machine, without the story."""
    outcome = None
    if row.outcome is not None:
        outcome = Outcome(Phase(row.outcome), row.failure_code, row.failure_text)
    return Job(
        job_id=row.job_id,
        phase=Phase(row.phase),
        attempt=row.attempt,
        stop_requested=row.stop_requested,
        outcome=outcome,
        containers=row.containers,
        members=tuple(row.members),
        made=row.members_made,
        replacements=row.replacements,
    )


def container_id(job_id: str, attempt: int, member: int = 0) -> str:
    """Return the id of a container of an attempt. It is stable, so that preparing a container twice creates it once."""
    first = f"job-{job_id}-{attempt}"
    return first if member == 0 else f"{first}-{member}"


def session_name(job_id: str, member: int = 0) -> str:
    """Return the name of a worker's role session, which distinguishes jobs and their containers in denials."""
    first = f"Comprehend-{job_id}"
    return first if member == 0 else f"{first}-{member}"


def session_arn(role_arn: str, job_id: str, member: int = 0) -> str:
    """Return the ARN of a worker's role session."""
    role = Arn.parse(role_arn)
    name = role.resource.rpartition("/")[2]
    return f"arn:{role.partition}:sts::{role.account}:assumed-role/{name}/{session_name(job_id, member)}"


def containers_of(session: Session, job_id: str) -> list[JobContainerRow]:
    """Return the containers of a job that are wanted now, the first one first."""
    query = select(JobContainerRow).where(JobContainerRow.job_id == job_id, JobContainerRow.wanted)
    return list(session.scalars(query.order_by(JobContainerRow.attempt, JobContainerRow.member)))


def story(session: Session, job_id: str) -> tuple[str, ...]:
    """Return what happened to a job, oldest first, a line per event."""
    events = session.scalars(select(JobEventRow).where(JobEventRow.job_id == job_id).order_by(JobEventRow.sequence))
    return tuple(f"{event.at.isoformat(timespec='milliseconds')} {event.text}" for event in events)


def note(session: Session, row: JobRow, event: str, text: str, now: dt.datetime) -> None:
    """Add a line to a job's story without changing the job."""
    session.execute(_NOTE, {"job_id": row.job_id, "at": now, "event": event, "text": text, "told": False})


def apply(session: Session, row: JobRow, event: Event, now: dt.datetime, host: str = LOCAL_HOST) -> Job:
    """Advance a job, and write its row, the event and every change. Raises ``InvalidTransition`` with the story."""
    before = job_of(row)
    try:
        after, changes = advance(before, event)
    except InvalidTransition as error:
        job = Job(before.job_id, before.phase, before.attempt, story=story(session, row.job_id))
        raise InvalidTransition(job, event) from error
    _write(row, before, after, now)
    if isinstance(event, OutputSeen):
        add_job(session, row, event, now)
        if event.model is not None:
            _write_model(row, event.model)
    if isinstance(event, Prepared | MemberPrepared) and after.width > 1:
        row.distributed = True
    if isinstance(event, Prepared) and row.running_at is None:
        row.running_at = now
    for change in changes:
        _effect(session, row, after, change, host)
    if isinstance(event, Reduced) and after.width == 1:
        _container(session, row, after.attempt, 0).cluster_path = None
    note(session, row, type(event).__name__, _line(before, after, event), now)
    if (status := job_status(after)) != job_status(before):
        record_status(session, row, status, now)
    if isinstance(event, Reduced):
        note(session, row, "Warning", event.reason, now)
    return after


def _line(before: Job, after: Job, event: Event) -> str:
    text = describe(event)
    if after.attempt > 1 and after.attempt != before.attempt:
        alone = ", in one container" if after.width == 1 < after.containers else ""
        text += f"; attempt {after.attempt} follows{alone}"
    return f"{text} [{after.phase.value}]" if after.phase is not before.phase else text


def _write(row: JobRow, before: Job, after: Job, now: dt.datetime) -> None:
    row.phase = after.phase.value
    row.attempt = after.attempt
    row.stop_requested = after.stop_requested
    row.containers = after.containers
    row.members = list(after.members)
    row.members_made = after.made
    row.replacements = after.replacements
    if after.outcome is not None:
        row.outcome = after.outcome.phase.value
        row.failure_code = after.outcome.code
        row.failure_text = after.outcome.text
    if before.phase is Phase.QUEUED and after.phase is Phase.PREPARING:
        row.admitted_at = now
    if after.stop_requested and not before.stop_requested:
        row.stop_asked_at = now
    if after.phase is Phase.FINISHING and before.phase is not Phase.FINISHING:
        row.finishing_at = now
    if after.phase in TERMINAL:
        row.ended_at = now


def _write_model(row: JobRow, model: ModelSeen) -> None:
    # A job that uses a model keeps the digest of that.
    if row.is_training or row.artifact_uri is None:
        row.artifact_size, row.artifact_sha256 = model.size, model.sha256
    row.result, row.warning = model.metadata, model.warning or None


def _effect(session: Session, row: JobRow, after: Job, change: Change, host: str) -> None:
    match change:
        case AddContainer(attempt=attempt, member=member):
            session.add(
                JobContainerRow(
                    container_id=container_id(row.job_id, attempt, member),
                    job_id=row.job_id,
                    attempt=attempt,
                    member=member,
                    host=host,
                    role_arn=row.role_arn,
                    session_name=session_name(row.job_id, member),
                    credentials_path=_unguessable("credentials"),
                    model_credentials_path=None if row.artifact_uri is None else _unguessable("credentials"),
                    # The single container of the last attempt continues from the parts that others finished.
                    cluster_path=_unguessable("cluster") if after.width > 1 or row.distributed else None,
                    wanted=True,
                    stop=False,
                )
            )
        case PlaceContainer():
            container = _container(session, row, change.attempt, change.member)
            container.interface_id = change.interface_id
            container.vpc_id = change.vpc_id
            container.host = change.host
        case AskToStop(attempt=attempt):
            _container(session, row, attempt, 0).stop = True
        case DropContainer(attempt=attempt, member=member):
            _container(session, row, attempt, member).wanted = False


def _unguessable(purpose: str) -> str:
    return f"/v2/{purpose}/{secrets.token_urlsafe(32)}"


def _container(session: Session, row: JobRow, attempt: int, member: int) -> JobContainerRow:
    container = session.get(JobContainerRow, container_id(row.job_id, attempt, member))
    if container is None:
        raise LookupError(f"job {row.job_id} has no container {member} of attempt {attempt}")
    return container
