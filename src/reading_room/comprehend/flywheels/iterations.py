"""The iterations of flywheels: functions on a database session.

An iteration is a training, whose job is that of the new model, and then a job that evaluates both models. What it uses
is fixed when it starts: the active model, and the datasets with their digests.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.analysis.flywheel.layout import ATTRIBUTE, EVALUATED, EVALUATION, MANIFEST, TRAINED, VERSIONS
from reading_room.comprehend.errors import ResourceNotFoundException, TooManyWaiting
from reading_room.comprehend.flywheels.errors import NoTrainingDataset, TooManyIterations
from reading_room.comprehend.flywheels.flywheels import (
    FlywheelQuota,
    kind_of,
    moment,
    refuse_second,
    require_active,
)
from reading_room.comprehend.flywheels.jobs import evaluation_job, marker_of, submitted
from reading_room.comprehend.flywheels.requests import mode_of
from reading_room.comprehend.models.models import CLASSIFIER, Model, find
from reading_room.comprehend.models.requests import MANIFEST as MANIFEST_FORMAT
from reading_room.comprehend.models.requests import new_training
from reading_room.comprehend.tables import RUNNING_ITERATIONS, DatasetRow, FlywheelRow, IterationRow, ModelRow
from reading_room.ids import id_bytes
from reading_room.ids import job_id as new_id
from reading_room.jobs.errors import TooManyWaitingJobs
from reading_room.jobs.submission import JobQuota, ModelUse, submit
from reading_room.jobs.tables import JobRow
from reading_room.state_events.event import failure_code, record

DONE = "FULL_ITERATION: Flywheel iteration performed all functions successfully."
"""The message of a completed iteration, as at Amazon."""


def start(
    session: Session,
    flywheel: FlywheelRow,
    now: dt.datetime,
    quota: FlywheelQuota,
    token: str | None = None,
    trace: str | None = None,
) -> IterationRow:
    """Store an iteration, and submit the training of its model.

    The same client token returns the iteration that it started before. Raises ``FlywheelNotActive``, ``IterationRuns``,
    ``NoTrainingDataset``, ``TooManyIterations`` and ``TooManyWaiting``.
    """
    if token is not None:
        query = select(IterationRow).where(IterationRow.flywheel_arn == flywheel.arn, IterationRow.token == token)
        if (made := session.scalar(query)) is not None:
            return made
    require_active(flywheel)
    refuse_second(session, flywheel.arn)
    lake = _lake(session, flywheel)
    _check_quota(session, flywheel.account, quota)
    identifier = _identifier(session, flywheel.arn, now)
    model = new_training(
        kind_of(flywheel),
        account=flywheel.account,
        region=flywheel.region,
        model_id=new_id(),
        name=_model_name(session, flywheel),
        version=f"Comprehend-Generated-v1-{id_bytes('version', 4).hex()}",
        language=flywheel.task["LanguageCode"],
        mode=_mode(flywheel),
        config=_training_config(flywheel, lake),
        output_uri=None,
        role_arn=flywheel.role_arn,
        network=flywheel.network or None,
    )
    members = {"Marker": lake["Marker"], "Digests": _digests(lake)}
    job = replace(model.job, request={**model.job.request, "DataLake": members}, trace=trace)
    try:
        submit(session, job, now, quota=JobQuota(None, quota.waiting))
    except TooManyWaitingJobs as error:
        raise TooManyWaiting(error.quota) from error
    model.row.submitted_at = now
    model.row.flywheel_arn, model.row.source_arn = flywheel.arn, flywheel.active_model_arn
    session.add(model.row)
    flywheel.iterations += 1
    flywheel.latest_iteration = identifier
    row = IterationRow(
        flywheel_arn=flywheel.arn,
        iteration_id=identifier,
        account=flywheel.account,
        number=flywheel.iterations,
        status="TRAINING",
        evaluated_model_arn=flywheel.active_model_arn,
        evaluated_metrics={},
        trained_model_arn=model.row.arn,
        trained_metrics={},
        lake=lake,
        prefix_uri=f"{flywheel.lake_uri}{EVALUATION}{identifier}/",
        training_id=job.job_id,
        token=token,
        created_at=now,
    )
    session.add(row)
    changed(session, row, now)
    return row


def find_iteration(session: Session, account: str, arn: str, identifier: str) -> IterationRow:
    """Return an iteration of the account's flywheel. Raises ``ResourceNotFoundException``."""
    row = session.get(IterationRow, (arn, identifier))
    if row is None or row.account != account:
        raise ResourceNotFoundException
    return row


def evaluate(session: Session, flywheel: FlywheelRow, row: IterationRow, trained: Model, now: dt.datetime) -> None:
    """Submit the evaluation of an iteration whose model is trained.

    Raises ``ResourceNotFoundException`` if the model that was active does not exist any more.
    """
    training = session.get_one(JobRow, row.training_id)
    held_back = not row.lake["TEST"]
    tested = row.lake["TRAIN" if held_back else "TEST"]
    request: dict[str, Any] = {
        "LanguageCode": flywheel.task["LanguageCode"],
        "InputDataConfig": _training_config(flywheel, {"TRAIN": tested, "TEST": []}),
        "HeldBack": held_back,
        "Marker": row.lake["Marker"],
        "Digests": _digests({"TRAIN": tested, "TEST": []}),
        "Datasets": {"TRAIN": row.lake["TRAIN"], "TEST": row.lake["TEST"]},
        "Version": f"{flywheel.lake_uri}{VERSIONS}{row.number}/",
        TRAINED: {"Arn": row.trained_model_arn},
    }
    if (mode := _mode(flywheel)) is not None:
        request["Mode"] = mode
    if row.evaluated_model_arn is not None:
        active = find(session, row.account, row.evaluated_model_arn)
        if active.sha256 is None:
            raise ResourceNotFoundException
        request[EVALUATED] = {
            "Arn": active.row.arn,
            "ArtifactUri": active.row.artifact_uri,
            "Sha256": active.sha256,
        }
    use = ModelUse(trained.row.arn, trained.row.artifact_uri, trained.sha256)
    job = evaluation_job(flywheel, training, arn_of(row), row.prefix_uri, request, use)
    row.job_id, row.status = submitted(session, job, now, None), "EVALUATING"
    changed(session, row, now)


def complete(session: Session, row: IterationRow, result: str, now: dt.datetime) -> None:
    """Write the metrics of an iteration whose evaluation is completed; ``result`` was validated."""
    found = json.loads(result)
    row.trained_metrics = found[TRAINED]
    row.evaluated_metrics = found.get(EVALUATED) or {}
    end(session, row, "COMPLETED", DONE, now)


def end(session: Session, row: IterationRow, status: str, message: str | None, now: dt.datetime) -> None:
    """End an iteration."""
    row.status, row.message, row.ended_at = status, message, now
    changed(session, row, now)


def changed(session: Session, row: IterationRow, now: dt.datetime) -> None:
    """Write the event of an iteration's new status."""
    code = failure_code(row.message) if row.status == "FAILED" else None
    record(session, "Flywheel Iteration", arn_of(row), row.status, now, FailureCode=code)


def arn_of(row: IterationRow) -> str:
    """Return an iteration's ARN, as its evaluation has it. AWS's API has ARNs only of flywheels and datasets."""
    return f"{row.flywheel_arn}/iteration/{row.iteration_id}"


def _lake(session: Session, flywheel: FlywheelRow) -> dict[str, Any]:
    """Return what an iteration uses of the lake. Raises ``NoTrainingDataset``."""
    query = select(DatasetRow).where(DatasetRow.flywheel_arn == flywheel.arn, DatasetRow.status == "COMPLETED")
    lake: dict[str, Any] = {"Marker": marker_of(flywheel), "TRAIN": [], "TEST": []}
    for each in session.scalars(query.order_by(DatasetRow.created_at, DatasetRow.arn)):
        lake[each.type].append({"DatasetArn": each.arn, "S3Uri": each.uri + MANIFEST, "Sha256": each.sha256})
    if not lake["TRAIN"]:
        raise NoTrainingDataset(flywheel.arn)
    return lake


def _training_config(flywheel: FlywheelRow, lake: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {
        "DataFormat": MANIFEST_FORMAT,
        "AugmentedManifests": [
            {"S3Uri": each["S3Uri"], "AttributeNames": [ATTRIBUTE], "Split": split}
            for split in ("TRAIN", "TEST")
            for each in lake[split]
        ],
    }
    if kind_of(flywheel) is not CLASSIFIER:
        config["EntityTypes"] = flywheel.task["EntityRecognitionConfig"]["EntityTypes"]
    return config


def _digests(lake: Mapping[str, Any]) -> dict[str, str]:
    return {each["S3Uri"]: each["Sha256"] for split in ("TRAIN", "TEST") for each in lake[split]}


def _mode(flywheel: FlywheelRow) -> str | None:
    return mode_of(flywheel.task) if kind_of(flywheel) is CLASSIFIER else None


def _model_name(session: Session, flywheel: FlywheelRow) -> str:
    """Return the name of the models that a flywheel makes: that of its active model, or else its own."""
    active = None if flywheel.active_model_arn is None else session.get(ModelRow, flywheel.active_model_arn)
    return flywheel.name if active is None else active.name


def _identifier(session: Session, arn: str, now: dt.datetime) -> str:
    while session.get(IterationRow, (arn, moment(now))) is not None:
        now += dt.timedelta(seconds=1)
    return moment(now)


def _check_quota(session: Session, account: str, quota: FlywheelQuota) -> None:
    if quota.iterations is None:
        return
    query = select(func.count()).select_from(IterationRow)
    running = query.where(IterationRow.account == account, IterationRow.status.in_(RUNNING_ITERATIONS))
    if (session.scalar(running) or 0) >= quota.iterations:
        raise TooManyIterations(quota.iterations)
