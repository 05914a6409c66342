"""Submitting jobs, requesting their end, and finding them: functions on a database session, for the API."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from reading_room.jobs.changes import record_status
from reading_room.jobs.errors import JobEnded, TokenReused, TooManyActiveJobs, TooManyWaitingJobs, UnknownJob
from reading_room.jobs.job import ACTIVE, TERMINAL, Phase, StopRequested, job_status
from reading_room.jobs.record import apply, job_of, note
from reading_room.jobs.tables import JobRow, JobTagRow


@dataclass(frozen=True, slots=True)
class ModelUse:
    """The custom model that a job uses or trains, and the location of its artifact in the service's own bucket.

    ``sha256`` is the digest that the artifact must have; ``None`` for a training, whose ARN is the model's.
    """

    arn: str
    artifact_uri: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as a caller requested it, with all defaults filled in."""

    job_id: str
    account: str
    region: str
    kind: str
    arn: str
    role_arn: str
    engine: str
    analysis: str
    input_uri: str
    input_format: str
    output_uri: str
    document_limit: int
    parameters: Mapping[str, Any]
    """The request, to compare it with that of a repeated token; only its digest is stored."""
    name: str | None = None
    client_token: str | None = None
    language: str | None = None
    subnets: Sequence[str] | None = None
    security_groups: Sequence[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    total_limit: int = 5_000_000_000
    documents_limit: int = 1_000_000
    request: Mapping[str, Any] = field(default_factory=dict)
    """The members that only this kind of job has, for the worker and for Describe."""
    model: ModelUse | None = None
    trace: str | None = None
    """The id of the trace of the call that submits it, if it is recorded."""
    remark: str = ""
    """What the job's story says about its submission."""


@dataclass(frozen=True, slots=True)
class JobQuota:
    """How many active jobs of one kind, and how many waiting jobs, an account can have; ``None`` is no limit."""

    active: int | None = None
    waiting: int | None = None


def submit(session: Session, new: NewJob, now: dt.datetime, *, quota: JobQuota = JobQuota()) -> JobRow:
    """Store a job in phase ``queued`` with its first event, and return it.

    The same client token with the same parameters returns the job that it created before. Raises as ``refuse`` does.
    """
    known = refuse(session, new, quota=quota)
    if known is not None:
        return known
    row = row_of(new, now)
    session.add(row)
    session.flush()
    for key, value in new.tags.items():
        session.add(JobTagRow(arn=new.arn, key=key, value=value))
    # A model's owner knows only its ARN; searching the logs for it finds the training's story.
    remark = f"to make {row.arn}" if row.is_training else new.remark
    note(session, row, "Submitted", f"submitted, {remark}" if remark else "submitted", now)
    record_status(session, row, "SUBMITTED", now)
    return row


def refuse(session: Session, new: NewJob, *, quota: JobQuota = JobQuota()) -> JobRow | None:
    """Return the job that the same client token created with the same parameters, or ``None`` if there is none.

    Raises ``TokenReused`` if the parameters differ, and ``TooManyActiveJobs`` or ``TooManyWaitingJobs`` if the
    account's quota is used up.
    """
    known = repeated(session, new)
    if known is not None:
        if known.fingerprint != _fingerprint(new.parameters):
            raise TokenReused(str(new.client_token), known.job_id)
        return known
    if quota.active is not None and _count_active(session, new) >= quota.active:
        raise TooManyActiveJobs(new.kind, quota.active)
    if quota.waiting is not None and _count_waiting(session, new.account) >= quota.waiting:
        raise TooManyWaitingJobs(quota.waiting)
    return None


def row_of(new: NewJob, now: dt.datetime) -> JobRow:
    """Return the row of a new job, which is not in a session."""
    return JobRow(
        job_id=new.job_id,
        account=new.account,
        region=new.region,
        kind=new.kind,
        arn=new.arn,
        name=new.name,
        client_token=new.client_token,
        fingerprint=_fingerprint(new.parameters),
        phase=Phase.QUEUED.value,
        attempt=0,
        stop_requested=False,
        submitted_at=now,
        role_arn=new.role_arn,
        engine=new.engine,
        analysis=new.analysis,
        language=new.language,
        input_uri=new.input_uri,
        input_format=new.input_format,
        output_uri=new.output_uri,
        document_limit=new.document_limit,
        total_limit=new.total_limit,
        documents_limit=new.documents_limit,
        request=dict(new.request),
        subnets=None if new.subnets is None else list(new.subnets),
        security_groups=None if new.security_groups is None else list(new.security_groups),
        documents=0,
        model_arn=None if new.model is None else new.model.arn,
        artifact_uri=None if new.model is None else new.model.artifact_uri,
        artifact_sha256=None if new.model is None else new.model.sha256,
        trace=new.trace,
    )


def repeated(session: Session, new: NewJob) -> JobRow | None:
    """Return the job that the same client token created before, or ``None``."""
    if new.client_token is None:
        return None
    return session.scalar(_REPEATED, {"account": new.account, "kind": new.kind, "client_token": new.client_token})


def find(session: Session, account: str, kind: str, job_id: str) -> JobRow:
    """Return a job of the account and kind. Raises ``UnknownJob``."""
    row = session.get(JobRow, job_id)
    if row is None or row.account != account or row.kind != kind:
        raise UnknownJob(job_id)
    return row


def request_stop(session: Session, account: str, kind: str, job_id: str, now: dt.datetime) -> JobRow:
    """Request the end of a job. A job that was already stopped is returned unchanged.

    Raises ``UnknownJob``, and ``JobEnded`` for a job that is completed or failed.
    """
    row = find(session, account, kind, job_id)
    job = job_of(row)
    if job.phase is Phase.STOPPED or (job.stop_requested and job.phase not in TERMINAL):
        return row
    if job.phase in TERMINAL:
        raise JobEnded(job_id, job_status(job))
    apply(session, row, StopRequested(), now)
    return row


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _count_active(session: Session, new: NewJob) -> int:
    active = [phase.value for phase in ACTIVE]
    return int(
        session.scalar(
            select(func.count())
            .select_from(JobRow)
            .where(JobRow.account == new.account, JobRow.kind == new.kind, JobRow.phase.in_(active))
        )
        or 0
    )


def _count_waiting(session: Session, account: str) -> int:
    return session.scalar(_WAITING, {"account": account}) or 0


_REPEATED = select(JobRow).where(
    JobRow.account == bindparam("account"),
    JobRow.kind == bindparam("kind"),
    JobRow.client_token == bindparam("client_token"),
)
_WAITING = (
    select(func.count())
    .select_from(JobRow)
    .where(JobRow.phase == Phase.QUEUED.value, JobRow.account == bindparam("account"))
)
