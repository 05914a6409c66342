"""Creating, finding, updating and deleting flywheels: functions on a database session.

A row says what should be. The loop in ``upkeep.py`` follows its jobs, and changes its status.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.comprehend.endpoints.endpoints import follow
from reading_room.comprehend.errors import ResourceNotFoundException
from reading_room.comprehend.flywheels.errors import (
    FlywheelBusy,
    FlywheelHasEndpoints,
    FlywheelNameInUse,
    FlywheelNotActive,
    FlywheelTokenInUse,
    InvalidFlywheelRequest,
    IterationRuns,
    NoActiveModel,
    TooManyFlywheels,
)
from reading_room.comprehend.flywheels.jobs import lake_job, submitted
from reading_room.comprehend.flywheels.requests import Network, NewFlywheel, lake_uri
from reading_room.comprehend.models.errors import ModelUnavailable
from reading_room.comprehend.models.models import CLASSIFIER, MODEL_KINDS, Model, ModelKind, find, kind_of_arn
from reading_room.comprehend.tables import RUNNING_ITERATIONS, DatasetRow, EndpointRow, FlywheelRow, IterationRow
from reading_room.jobs.tables import JobTagRow
from reading_room.state_events.event import record


@dataclass(frozen=True, slots=True)
class FlywheelQuota:
    """The most flywheels of an account, those that are being created, and what a flywheel can have; ``None`` for any.

    ``ingested`` counts the datasets of an account that are being created, ``iterations`` its running iterations, and
    ``waiting`` its waiting jobs.
    """

    flywheels: int | None = None
    creating: int | None = None
    train_datasets: int | None = None
    test_datasets: int | None = None
    ingested: int | None = None
    iterations: int | None = None
    waiting: int | None = None


def flywheel_arn(region: str, account: str, name: str) -> str:
    """Return the ARN of a flywheel."""
    return f"arn:aws:comprehend:{region}:{account}:flywheel/{name}"


def is_flywheel(arn: str) -> bool:
    """Return whether an ARN is that of a flywheel, and not of a dataset or anything else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return kind == "flywheel" and "/" not in name


def moment(now: dt.datetime) -> str:
    """Return a time as it is in the paths of a data lake and in the ids of iterations."""
    return f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def create(session: Session, new: NewFlywheel, now: dt.datetime, quota: FlywheelQuota) -> FlywheelRow:
    """Store a flywheel, and submit the job that makes its data lake.

    The same client token with the same parameters returns the flywheel that it created before. Raises
    ``ResourceInUseException`` for a name or token in use, ``ResourceNotFoundException`` and ``ModelUnavailable`` for
    the model, ``TooManyFlywheels`` and ``TooManyWaiting``.
    """
    if new.token is not None:
        query = select(FlywheelRow).where(FlywheelRow.account == new.account, FlywheelRow.token == new.token)
        if (made := session.scalar(query)) is not None:
            if made.digest != new.digest:
                raise FlywheelTokenInUse(new.token, made.arn)
            return made
    arn = flywheel_arn(new.region, new.account, new.name)
    if session.get(FlywheelRow, arn) is not None:
        raise FlywheelNameInUse(arn)
    kind, task = new.kind, new.task
    active: str | None = None
    if new.active_model_arn is not None:
        model = trained(session, new.account, new.active_model_arn)
        kind, task, active = model.kind, task_of(model), model.row.arn
    assert kind is not None
    _check_quota(session, new.account, quota)
    row = FlywheelRow(
        arn=arn,
        account=new.account,
        region=new.region,
        name=new.name,
        kind=kind.arn_type,
        status="CREATING",
        active_model_arn=active,
        task=dict(task),
        role_arn=new.role_arn,
        network=dict(new.network),
        lake_uri=lake_uri(new.place, new.name, moment(now)),
        pending={},
        iterations=0,
        token=new.token,
        digest=new.digest,
        created_at=now,
        modified_at=now,
    )
    session.add(row)
    record(session, "Flywheel", arn, row.status, now)
    row.job_id = submitted(session, lake_job(row, row.role_arn, row.network, new.trace), now, quota.waiting)
    for key, value in new.tags.items():
        session.add(JobTagRow(arn=arn, key=key, value=value))
    return row


def find_flywheel(session: Session, account: str, arn: str) -> FlywheelRow:
    """Return the account's flywheel with an ARN. Raises ``ResourceNotFoundException``."""
    row = session.get(FlywheelRow, arn)
    if row is None or row.account != account:
        raise ResourceNotFoundException
    return row


def active_model(session: Session, account: str, arn: str) -> str:
    """Return the ARN of a flywheel's active model. Raises ``ResourceNotFoundException`` and ``NoActiveModel``."""
    row = find_flywheel(session, account, arn)
    if row.active_model_arn is None:
        raise NoActiveModel(arn)
    return row.active_model_arn


def trained(session: Session, account: str, arn: str) -> Model:
    """Return a trained model. Raises ``ResourceNotFoundException``, and ``ModelUnavailable`` if it is not trained."""
    model = find(session, account, arn)
    if not model.trained:
        raise ModelUnavailable(arn, model.status, "a flywheel needs a model that is TRAINED or TRAINED_WITH_WARNING")
    return model


def task_of(model: Model) -> dict[str, Any]:
    """Return the TaskConfig that describes what a trained model does."""
    task: dict[str, Any] = {"LanguageCode": model.row.language}
    if model.kind is CLASSIFIER:
        task["DocumentClassificationConfig"] = {"Mode": model.row.mode}
    else:
        types = [{"Type": each["Type"]} for each in json.loads(model.result or "{}")["EntityTypes"]]
        task["EntityRecognitionConfig"] = {"EntityTypes": types}
    return task


def require_active(row: FlywheelRow) -> None:
    """Raise ``FlywheelNotActive`` unless a flywheel is ``ACTIVE``."""
    if row.status != "ACTIVE":
        raise FlywheelNotActive(row.arn, row.status, row.message)


def update(
    session: Session,
    row: FlywheelRow,
    now: dt.datetime,
    quota: FlywheelQuota,
    *,
    model_arn: str | None = None,
    role_arn: str | None = None,
    network: Network | None = None,
    trace: str | None = None,
) -> None:
    """Change a flywheel. Another model is active at once; another role or network only once a job has checked it.

    Raises ``InvalidFlywheelRequest``, ``FlywheelNotActive``, ``TooManyWaiting``, and what ``trained`` raises.
    """
    if model_arn is None and role_arn is None and network is None:
        raise InvalidFlywheelRequest("UpdateFlywheel needs ActiveModelArn, DataAccessRoleArn or DataSecurityConfig.")
    require_active(row)
    if model_arn is not None:
        model_arn = checked_model(session, row, model_arn)
    row.message, row.modified_at = None, now
    if role_arn is None and network is None:
        switch(session, row, str(model_arn), now)
        return
    wanted: dict[str, Any] = {"active_model_arn": model_arn, "role_arn": role_arn, "network": network}
    row.pending = {name: value for name, value in wanted.items() if value is not None}
    row.status = "UPDATING"
    record(session, "Flywheel", row.arn, row.status, now)
    job = lake_job(row, role_arn or row.role_arn, row.network if network is None else network, trace)
    row.job_id = submitted(session, job, now, quota.waiting)


def checked_model(session: Session, row: FlywheelRow, arn: str) -> str:
    """Return the ARN of a model that does a flywheel's task.

    Raises ``InvalidFlywheelRequest`` for one that does another, and what ``trained`` raises.
    """
    if kind_of_arn(arn) is not kind_of(row):
        raise InvalidFlywheelRequest(f"ActiveModelArn {arn} is of another type than the models of {row.arn}.")
    model = trained(session, row.account, arn)
    wanted, found = row.task, task_of(model)
    if found["LanguageCode"] != wanted["LanguageCode"]:
        raise InvalidFlywheelRequest(
            f"ActiveModelArn {arn} reads {found['LanguageCode']}, but {row.arn} is for {wanted['LanguageCode']}."
        )
    if kind_of(row) is CLASSIFIER and model.row.mode != wanted["DocumentClassificationConfig"]["Mode"]:
        raise InvalidFlywheelRequest(f"ActiveModelArn {arn} has another Mode than {row.arn}.")
    return model.row.arn


def switch(session: Session, row: FlywheelRow, model_arn: str, now: dt.datetime) -> None:
    """Make a model the active one. The endpoints of the flywheel follow."""
    row.active_model_arn = model_arn
    follow(session, row.arn, model_arn, now)


def mark_for_deletion(session: Session, row: FlywheelRow, now: dt.datetime) -> None:
    """Mark a flywheel for removal. Repeating this changes nothing.

    Raises ``FlywheelBusy`` while it or a dataset is being created or it is being updated, ``IterationRuns``, and
    ``FlywheelHasEndpoints``.
    """
    if row.status == "DELETING":
        return
    if row.status in ("CREATING", "UPDATING"):
        raise FlywheelBusy(row.arn, f"it is {row.status}")
    query = select(DatasetRow.arn).where(DatasetRow.flywheel_arn == row.arn, DatasetRow.status == "CREATING")
    if (dataset := session.scalar(query.limit(1))) is not None:
        raise FlywheelBusy(row.arn, f"its dataset {dataset} is CREATING")
    refuse_second(session, row.arn)
    following = select(EndpointRow.arn).where(EndpointRow.flywheel_arn == row.arn).order_by(EndpointRow.arn)
    if endpoints := session.scalars(following).all():
        raise FlywheelHasEndpoints(row.arn, endpoints)
    row.status, row.message, row.modified_at = "DELETING", None, now
    record(session, "Flywheel", row.arn, row.status, now)


def refuse_second(session: Session, arn: str) -> None:
    """Raise ``IterationRuns`` if a flywheel has an iteration that has not ended."""
    query = select(IterationRow).where(IterationRow.flywheel_arn == arn, IterationRow.status.in_(RUNNING_ITERATIONS))
    if (running := session.scalar(query.limit(1))) is not None:
        raise IterationRuns(arn, running.iteration_id, running.status)


def kind_of(row: FlywheelRow) -> ModelKind:
    """Return the type of a flywheel's models."""
    return MODEL_KINDS[row.kind]


def security_of(row: FlywheelRow) -> Mapping[str, Any]:
    """Return the DataSecurityConfig of a flywheel; empty if it has none, as at Amazon."""
    return {"VpcConfig": row.network} if row.network else {}


def _check_quota(session: Session, account: str, quota: FlywheelQuota) -> None:
    for what, status, most in (
        ("The flywheels of an account", None, quota.flywheels),
        ("The flywheels of an account that are CREATING", "CREATING", quota.creating),
    ):
        if most is None:
            continue
        query = select(func.count()).select_from(FlywheelRow).where(FlywheelRow.account == account)
        if status is not None:
            query = query.where(FlywheelRow.status == status)
        if (session.scalar(query) or 0) >= most:
            raise TooManyFlywheels(what, most)
