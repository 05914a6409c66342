"""Creating, importing, stopping and deleting custom models: functions on a database session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.comprehend.errors import ResourceInUseException, TooManyWaiting
from reading_room.comprehend.models import policies
from reading_room.comprehend.models.errors import (
    ModelHasEndpoints,
    ModelInUse,
    ModelNameInUse,
    ModelOfFlywheel,
    ModelUnavailable,
    ResourceLimitExceededException,
)
from reading_room.comprehend.models.models import ENDED, Model, model_arn
from reading_room.comprehend.models.requests import NewModel
from reading_room.comprehend.tables import RUNNING_ITERATIONS, EndpointRow, FlywheelRow, IterationRow, ModelRow
from reading_room.jobs.errors import JobEnded, TokenReused, TooManyActiveJobs, TooManyWaitingJobs
from reading_room.jobs.job import ACTIVE
from reading_room.jobs.submission import JobQuota, repeated, request_stop, submit
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.s3.service_bucket_name import artifact_uri
from reading_room.state_events.event import record


def create(session: Session, new: NewModel, now: dt.datetime, *, quota: JobQuota) -> str:
    """Store a model and submit its training; return its ARN.

    The same client token with the same parameters returns the model that it created before. Raises
    ``ResourceInUseException`` (the name and version are taken, or the token was used for another request),
    ``ResourceLimitExceededException``, ``TooManyWaiting``, and ``InvalidRequestException`` for an invalid ModelPolicy.
    """
    try:
        refuse_name(session, new)
        job = submit(session, new.job, now, quota=quota)
    except TokenReused as error:
        raise ResourceInUseException(error.token, error.job_id) from error
    except TooManyActiveJobs as error:
        raise ResourceLimitExceededException(error.kind, error.quota) from error
    except TooManyWaitingJobs as error:
        raise TooManyWaiting(error.quota) from error
    if job.job_id == new.job.job_id:
        new.row.submitted_at = now
        session.add(new.row)
        if new.policy is not None:
            policies.put(session, new.row.arn, new.policy, None, now, "ModelPolicy")
    return job.arn


def refuse_name(session: Session, new: NewModel) -> None:
    """Raise ``ModelNameInUse`` if the name and version are taken, unless the same client token took them."""
    if repeated(session, new.job) is None and session.get(ModelRow, new.row.arn) is not None:
        raise ModelNameInUse(new.row.arn)


def copy_of(
    session: Session,
    source: Model,
    account: str,
    model_id: str,
    now: dt.datetime,
    *,
    name: str | None,
    version: str | None,
    role_arn: str | None,
    tags: Mapping[str, str],
) -> str:
    """Store a model whose artifact will be copied from another model; return its ARN.

    Raises ``ModelUnavailable`` if the source is not trained, or ``ModelNameInUse``.
    """
    row = source.row
    if source.sha256 is None:
        raise ModelUnavailable(row.arn, source.status, "only a trained model can be imported")
    arn = model_arn(row.region, account, source.kind, name or row.name, version)
    if session.get(ModelRow, arn) is not None:
        raise ModelNameInUse(arn)
    session.add(
        ModelRow(
            arn=arn,
            model_id=model_id,
            account=account,
            region=row.region,
            kind=row.kind,
            name=name or row.name,
            version=version,
            language=row.language,
            mode=row.mode,
            # The location of the source's training data is not disclosed to others.
            input_config={},
            role_arn=role_arn,
            submitted_at=now,
            artifact_uri=artifact_uri(row.region, account, model_id),
            source_arn=row.arn,
            source_artifact_uri=row.artifact_uri,
            artifact_sha256=source.sha256,
            result=source.result,
            warning=source.warning,
            deleting=False,
        )
    )
    for key, value in tags.items():
        session.add(JobTagRow(arn=arn, key=key, value=value))
    record(session, "Model", arn, "SUBMITTED", now)
    return arn


def stop(session: Session, model: Model, now: dt.datetime) -> None:
    """Request the end of a model's training. Do nothing if it has already ended."""
    if model.job is None:
        return
    try:
        request_stop(session, model.row.account, model.row.kind, model.row.model_id, now)
    except JobEnded:
        return


def mark_for_deletion(session: Session, model: Model, now: dt.datetime) -> None:
    """Mark a model for removal, so that nothing can use it any more. Repeating this changes nothing.

    Raises ``ModelUnavailable`` while it is being trained, ``ModelInUse`` while an active job uses it, and
    ``ModelHasEndpoints`` and ``ModelOfFlywheel``.
    """
    row = model.row
    if row.deleting:
        return
    if model.status not in ENDED:
        raise ModelUnavailable(row.arn, model.status, "stop its training, or wait until it ends, before deleting it")
    active = [phase.value for phase in ACTIVE]
    users = session.scalars(
        select(JobRow.job_id)
        .where(JobRow.model_arn == row.arn, JobRow.arn != row.arn, JobRow.phase.in_(active))
        .order_by(JobRow.submitted_at)
    ).all()
    if users:
        raise ModelInUse(row.arn, users)
    uses = (EndpointRow.model_arn == row.arn) | (EndpointRow.desired_model_arn == row.arn)
    if endpoints := session.scalars(select(EndpointRow.arn).where(uses).order_by(EndpointRow.arn)).all():
        raise ModelHasEndpoints(row.arn, endpoints)
    iterated = (IterationRow.evaluated_model_arn == row.arn) | (IterationRow.trained_model_arn == row.arn)
    for query in (
        select(FlywheelRow.arn).where(FlywheelRow.active_model_arn == row.arn),
        select(IterationRow.flywheel_arn).where(IterationRow.status.in_(RUNNING_ITERATIONS), iterated),
    ):
        if (flywheel := session.scalar(query.limit(1))) is not None:
            raise ModelOfFlywheel(row.arn, flywheel)
    row.deleting = True
    record(session, "Model", row.arn, "DELETING", now)
