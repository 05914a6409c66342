"""Creating and finding the datasets of flywheels: functions on a database session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reading_room.analysis.flywheel.layout import DATASETS
from reading_room.comprehend.errors import ResourceNotFoundException
from reading_room.comprehend.flywheels.errors import DatasetNameInUse, FlywheelTokenInUse, TooManyFlywheels
from reading_room.comprehend.flywheels.flywheels import FlywheelQuota, moment, require_active
from reading_room.comprehend.flywheels.jobs import dataset_job, submitted
from reading_room.comprehend.flywheels.requests import NewDataset
from reading_room.comprehend.models.models import Model
from reading_room.comprehend.tables import DatasetRow, FlywheelRow
from reading_room.ids import job_id as new_id
from reading_room.state_events.event import record

CREATED = "{} Dataset created by Flywheel creation."
"""The description of the datasets that a flywheel for an existing model begins with, as at Amazon."""


def create(
    session: Session, flywheel: FlywheelRow, new: NewDataset, now: dt.datetime, quota: FlywheelQuota
) -> DatasetRow:
    """Store a dataset, and submit the job that takes it into the data lake.

    The same client token with the same parameters returns the dataset that it created before. Raises
    ``ResourceInUseException`` for a name or token in use, ``FlywheelNotActive``, ``TooManyFlywheels`` and
    ``TooManyWaiting``.
    """
    if (made := repeated(session, flywheel.account, new)) is not None:
        return made
    require_active(flywheel)
    arn = f"{flywheel.arn}/dataset/{new.name}"
    if session.get(DatasetRow, arn) is not None:
        raise DatasetNameInUse(arn)
    _check_quota(session, flywheel, new.type, quota)
    row = DatasetRow(
        arn=arn,
        account=flywheel.account,
        flywheel_arn=flywheel.arn,
        name=new.name,
        type=new.type,
        description=new.description,
        status="CREATING",
        uri=f"{flywheel.lake_uri}{DATASETS}{new.name}/{moment(now)}/",
        job_id=new_id(),
        token=new.token,
        digest=new.digest,
        created_at=now,
    )
    session.add(row)
    record(session, "Flywheel Dataset", arn, row.status, now)
    submitted(session, dataset_job(flywheel, row, new.config, new.tags, new.trace), now, quota.waiting)
    return row


def repeated(session: Session, account: str, new: NewDataset) -> DatasetRow | None:
    """Return the dataset that the same client token created before. Raises ``FlywheelTokenInUse``."""
    if new.token is None:
        return None
    made = session.scalar(select(DatasetRow).where(DatasetRow.account == account, DatasetRow.token == new.token))
    if made is not None and made.digest != new.digest:
        raise FlywheelTokenInUse(new.token, made.arn)
    return made


def find_dataset(session: Session, account: str, arn: str) -> DatasetRow:
    """Return the account's dataset with an ARN. Raises ``ResourceNotFoundException``."""
    row = session.get(DatasetRow, arn)
    if row is None or row.account != account:
        raise ResourceNotFoundException
    return row


def create_from_model(session: Session, flywheel: FlywheelRow, model: Model, now: dt.datetime) -> None:
    """Create the datasets that the active model of a new flywheel was trained and tested with, as far as known.

    Nothing is known of the data of an imported model.
    """
    for name, kind, config in configs_of(model.row.input_config):
        new = NewDataset(f"{name}-{kind.lower()}", kind, CREATED.format(kind), config)
        create(session, flywheel, new, now, FlywheelQuota())


def configs_of(config: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the name, the type and the configuration of each dataset in the data of a model."""
    if not config:
        return []
    name = "flywheel-creation"
    if manifests := config.get("AugmentedManifests"):
        found = []
        for kind in ("TRAIN", "TEST"):
            own = [each for each in manifests if (each.get("Split") or "TRAIN") == kind]
            plain = [{key: value for key, value in each.items() if key != "Split"} for each in own]
            if plain:
                found.append((name, kind, {**config, "AugmentedManifests": plain}))
        return found
    train = {key: _without_test(value) for key, value in config.items() if key != "TestS3Uri"}
    found = [(name, "TRAIN", train)]
    if config.get("TestS3Uri"):
        found.append((name, "TEST", {**train, "S3Uri": config["TestS3Uri"]}))
    documents = config.get("Documents") or {}
    if documents.get("TestS3Uri"):
        tested = {"Documents": {**train["Documents"], "S3Uri": documents["TestS3Uri"]}}
        if config.get("Annotations"):
            tested["Annotations"] = {"S3Uri": config["Annotations"]["TestS3Uri"]}
        found.append((name, "TEST", {**train, **tested}))
    return found


def _without_test(value: Any) -> Any:
    return {key: each for key, each in value.items() if key != "TestS3Uri"} if isinstance(value, dict) else value


def _check_quota(session: Session, flywheel: FlywheelRow, kind: str, quota: FlywheelQuota) -> None:
    def count(*conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(DatasetRow).where(*conditions)) or 0

    most = quota.train_datasets if kind == "TRAIN" else quota.test_datasets
    if most is not None and count(DatasetRow.flywheel_arn == flywheel.arn, DatasetRow.type == kind) >= most:
        raise TooManyFlywheels(f"The datasets of type {kind} of a flywheel", most)
    if (
        quota.ingested is not None
        and count(DatasetRow.account == flywheel.account, DatasetRow.status == "CREATING") >= quota.ingested
    ):
        raise TooManyFlywheels("The datasets of an account that are CREATING", quota.ingested)
