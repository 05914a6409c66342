"""The jobs of a flywheel, other than trainings: for its data lake, its datasets and its evaluations.

They run in the flywheel's network with its data access role, like every other job.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from reading_room.analysis.flywheel.layout import MANIFEST, MARKER
from reading_room.analysis.kind import Kind
from reading_room.comprehend.errors import TooManyWaiting
from reading_room.comprehend.flywheels.requests import Network, mode_of
from reading_room.comprehend.models.models import CLASSIFIER
from reading_room.comprehend.models.requests import DOCUMENT_LIMIT, LIMITS
from reading_room.comprehend.tables import DatasetRow, FlywheelRow
from reading_room.ids import job_id as new_id
from reading_room.jobs.errors import TooManyWaitingJobs
from reading_room.jobs.job import TERMINAL, Phase
from reading_room.jobs.submission import JobQuota, ModelUse, NewJob, submit
from reading_room.jobs.tables import JobRow

LAKE_JOB, DATASET_JOB, EVALUATION_JOB = "flywheel-data-lake", "flywheel-dataset", "flywheel-evaluation"
"""The types of these jobs."""


class Ended(NamedTuple):
    """How a job ended: its phase, and why it failed as ``CODE: sentence``."""

    phase: Phase
    message: str | None
    row: JobRow | None


def marker_of(row: FlywheelRow) -> dict[str, str | None]:
    """Return the marker of a flywheel's lake, as workers get it."""
    return {"S3Uri": row.lake_uri + MARKER, "Sha256": row.marker_sha256}


def lake_job(row: FlywheelRow, role_arn: str, network: Network, trace: str | None = None) -> NewJob:
    """Return the job that makes a flywheel's lake, or checks it if it exists, with a role and in a network."""
    job_id = new_id()
    exists = row.marker_sha256 is not None
    place = row.lake_uri.rsplit("/", 3)[0] + "/"
    return _job(
        row,
        job_id,
        LAKE_JOB,
        f"{row.arn}/data-lake/{job_id}",
        "flywheel-lake",
        role_arn,
        network,
        input_uri=row.lake_uri if exists else place,
        output_uri=row.lake_uri + MARKER,
        request={"FlywheelArn": row.arn, "Marker": marker_of(row) if exists else None},
        trace=trace,
    )


def dataset_job(
    row: FlywheelRow,
    dataset: DatasetRow,
    config: Mapping[str, Any],
    tags: Mapping[str, str],
    trace: str | None = None,
) -> NewJob:
    """Return the job that takes a dataset into a flywheel's lake."""
    task: dict[str, Any] = {"LanguageCode": row.task["LanguageCode"]}
    if row.kind == CLASSIFIER.arn_type:
        task["Mode"] = mode_of(row.task)
        if labels := row.task["DocumentClassificationConfig"].get("Labels"):
            task["Labels"] = labels
    return _job(
        row,
        dataset.job_id,
        DATASET_JOB,
        dataset.arn,
        "flywheel-dataset",
        row.role_arn,
        row.network,
        input_uri=row.lake_uri,
        output_uri=dataset.uri + MANIFEST,
        request={"InputDataConfig": config, "Marker": marker_of(row), **task},
        tags=tags,
        trace=trace,
    )


def evaluation_job(
    row: FlywheelRow,
    training: JobRow,
    arn: str,
    output_uri: str,
    request: Mapping[str, Any],
    model: ModelUse,
) -> NewJob:
    """Return the job that evaluates models, with the role and in the network of the training."""
    network = {"Subnets": training.subnets, "SecurityGroupIds": training.security_groups}
    analysis: Kind = "classifier-evaluation" if row.kind == CLASSIFIER.arn_type else "recognizer-evaluation"
    return _job(
        row,
        new_id(),
        EVALUATION_JOB,
        arn,
        analysis,
        training.role_arn,
        {} if training.subnets is None else network,  # type: ignore[arg-type]
        input_uri=row.lake_uri,
        output_uri=output_uri,
        request=request,
        model=model,
        trace=training.trace,
    )


def submitted(session: Session, new: NewJob, now: dt.datetime, waiting: int | None) -> str:
    """Submit a job and return its id; ``waiting`` is how many waiting jobs the account may have.

    Raises ``TooManyWaiting``.
    """
    try:
        return submit(session, new, now, quota=JobQuota(None, waiting)).job_id
    except TooManyWaitingJobs as error:
        raise TooManyWaiting(error.quota) from error


def end_of(session: Session, job_id: str) -> Ended | None:
    """Return how a job ended, or ``None`` while it runs. A job whose record was erased has failed."""
    row = session.get(JobRow, job_id)
    if row is None:
        return Ended(Phase.FAILED, f"INTERNAL_ERROR: The record of the job {job_id} was erased.", None)
    phase = Phase(row.phase)
    if phase not in TERMINAL:
        return None
    message = f"{row.failure_code}: {row.failure_text}" if phase is Phase.FAILED else None
    if phase is Phase.STOPPED:
        message = f"STOPPED: The job {job_id} was stopped."
    return Ended(phase, message, row)


def _job(
    row: FlywheelRow,
    job_id: str,
    kind: str,
    arn: str,
    analysis: Kind,
    role_arn: str,
    network: Network,
    *,
    input_uri: str,
    output_uri: str,
    request: Mapping[str, Any],
    tags: Mapping[str, str] | None = None,
    model: ModelUse | None = None,
    trace: str | None = None,
) -> NewJob:
    total, documents = LIMITS[row.kind]
    return NewJob(
        job_id=job_id,
        account=row.account,
        region=row.region,
        kind=kind,
        arn=arn,
        role_arn=role_arn,
        engine=analysis,
        analysis=analysis,
        input_uri=input_uri,
        input_format="ONE_DOC_PER_LINE",
        output_uri=output_uri,
        document_limit=DOCUMENT_LIMIT,
        total_limit=total,
        documents_limit=documents,
        parameters={},
        request=request,
        language=row.task["LanguageCode"],
        subnets=tuple(network["Subnets"]) if network else None,
        security_groups=tuple(network["SecurityGroupIds"]) if network else None,
        tags=tags or {},
        model=model,
        trace=trace,
        remark=f"for {arn}",
    )
