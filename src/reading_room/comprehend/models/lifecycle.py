"""Making, importing, stopping and deleting custom models: the rules, as functions on a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.comprehend.errors import ResourceInUseException, TooManyWaiting
from reading_room.comprehend.models import policies
from reading_room.comprehend.models.errors import (
    ModelInUse,
    ModelNameInUse,
    ModelUnavailable,
    ResourceLimitExceededException,
)
from reading_room.comprehend.models.models import ENDED, Model, model_arn
from reading_room.comprehend.models.requests import NewModel
from reading_room.comprehend.tables import ModelRow
from reading_room.jobs.errors import JobEnded, TokenReused, TooManyActiveJobs, TooManyWaitingJobs
from reading_room.jobs.job import ACTIVE
from reading_room.jobs.submission import JobQuota, repeated, request_stop, submit
from reading_room.jobs.tables import JobRow, JobTagRow
from reading_room.s3.service_bucket_name import artifact_uri


def create(session: Session, new: NewModel, now: dt.datetime, *, quota: JobQuota) -> str:
    """Write a model and submit its training; return its ARN.

    The same client token with the same parameters returns the model that it made before. Raises
    ``ResourceInUseException`` (name and version are taken, or the token belongs to another request),
    ``ResourceLimitExceededException``, ``TooManyWaiting``, and ``InvalidRequestException`` for a ModelPolicy that is
    none.
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
    """Raise ``ModelNameInUse`` for a name and version that are taken, unless the same client token took them."""
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
    """Write a model that has the artifact of another once it is copied; return its ARN.

    Raises ``ModelUnavailable`` for a source that is not trained, ``ModelNameInUse``.
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
            # Where the source's training data lies is its owner's to know.
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
    return arn


def stop(session: Session, model: Model, now: dt.datetime) -> None:
    """Ask for the end of a model's training. Nothing happens to one that has ended already."""
    if model.job is None:
        return
    try:
        request_stop(session, model.row.account, model.row.kind, model.row.model_id, now)
    except JobEnded:
        return


def mark_for_deletion(session: Session, model: Model) -> None:
    """Have a model removed; from now on nothing can use it. A second time changes nothing.

    Raises ``ModelUnavailable`` while it is being trained, ``ModelInUse`` while an active job uses it.
    """
    row = model.row
    if row.deleting:
        return
    if model.status not in ENDED:
        raise ModelUnavailable(row.arn, model.status, "stop its training, or wait for its end, before deleting it")
    active = [phase.value for phase in ACTIVE]
    users = session.scalars(
        select(JobRow.job_id)
        .where(JobRow.model_arn == row.arn, JobRow.arn != row.arn, JobRow.phase.in_(active))
        .order_by(JobRow.submitted_at)
    ).all()
    if users:
        raise ModelInUse(row.arn, users)
    row.deleting = True
