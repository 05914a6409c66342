"""The schema of custom models, endpoints, flywheels and recall profiles. Trainings are in the tables of jobs."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class ModelRow(Base):
    """One version of a custom model, from the request until it is completely removed.

    ``model_id`` is the id of its training, the job in ``jobs`` that has the model's ARN. An imported model has no
    training: its results are in ``artifact_sha256`` and the columns after it.
    """

    __tablename__ = "models"
    __table_args__ = (Index("ix_models_listing", "account", "kind", "submitted_at", "arn"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    """Contains name and version, so that both together are unique."""
    model_id: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str]
    region: Mapped[str]
    kind: Mapped[str]
    """The type in the ARN: ``document-classifier`` or ``entity-recognizer``."""
    name: Mapped[str]
    version: Mapped[str | None]
    language: Mapped[str]
    mode: Mapped[str | None]
    """``MULTI_CLASS`` or ``MULTI_LABEL``; a recognizer has none."""
    input_config: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``InputDataConfig`` with its defaults filled in."""
    output_uri: Mapped[str | None]
    """Where a classifier's confusion matrix is written, or ``None`` if it was not requested."""
    role_arn: Mapped[str | None]
    submitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    artifact_uri: Mapped[str]
    source_arn: Mapped[str | None]
    """The model that it was imported from, or that was active when a flywheel trained it."""
    source_artifact_uri: Mapped[str | None]
    artifact_sha256: Mapped[str | None]
    artifact_size: Mapped[int | None]
    result: Mapped[str | None]
    warning: Mapped[str | None]
    failure: Mapped[str | None]
    """Why an import failed, ``CODE: sentence``."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When an import got its artifact, or failed."""
    deleting: Mapped[bool] = mapped_column(default=False)
    flywheel_arn: Mapped[str | None]
    """The flywheel whose iteration trained it."""


class ModelPolicyRow(Base):
    """The resource policy of a model, which allows others to import it."""

    __tablename__ = "model_policies"

    arn: Mapped[str] = mapped_column(primary_key=True)
    policy: Mapped[str] = mapped_column(Text)
    """The policy as the caller gave it."""
    pinned_policy: Mapped[str] = mapped_column(Text)
    """The policy for decisions, with unique ids in place of the ARNs of users and roles."""
    revision: Mapped[str]
    """32 hexadecimal digits, new with every change."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class PiiProfileRow(Base):
    """A recall profile of an account."""

    __tablename__ = "pii_profiles"
    __table_args__ = (UniqueConstraint("account", "default_language"),)

    account: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    """The profile as JSON (``analysis/recall_profile.py``)."""
    stored_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    default_language: Mapped[str | None]
    """Its language if it is the account's default for synchronous calls in that language."""


class EndpointRow(Base):
    """A model endpoint, from the request until it is completely removed.

    The desired values are those of the last request. The others are those with which it answers calls; ``None`` until
    it was in service.
    """

    __tablename__ = "model_endpoints"
    __table_args__ = (
        Index("ix_model_endpoints_listing", "account", "created_at", "arn"),
        UniqueConstraint("account", "token"),
    )

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    status: Mapped[str]
    """``CREATING``, ``IN_SERVICE``, ``UPDATING``, ``FAILED`` or ``DELETING``."""
    message: Mapped[str | None] = mapped_column(Text)
    """Why it failed, or why its last update did, ``CODE: sentence``."""
    model_arn: Mapped[str | None]
    desired_model_arn: Mapped[str]
    units: Mapped[int | None]
    desired_units: Mapped[int]
    role_arn: Mapped[str | None]
    desired_role_arn: Mapped[str | None]
    token: Mapped[str | None]
    """The client token of the request that created it."""
    digest: Mapped[str]
    """The digest of that request's parameters."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    flywheel_arn: Mapped[str | None] = mapped_column(index=True)
    """The flywheel whose active model it answers with."""


class FlywheelRow(Base):
    """A flywheel, from the request until it is completely removed."""

    __tablename__ = "flywheels"
    __table_args__ = (
        Index("ix_flywheels_listing", "account", "created_at", "arn"),
        UniqueConstraint("account", "token"),
    )

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    """The type of its models in their ARNs."""
    status: Mapped[str]
    """``CREATING``, ``ACTIVE``, ``UPDATING``, ``FAILED`` or ``DELETING``."""
    message: Mapped[str | None] = mapped_column(Text)
    """Why it failed, or why its last update did, ``CODE: sentence``."""
    active_model_arn: Mapped[str | None] = mapped_column(index=True)
    task: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``TaskConfig``."""
    role_arn: Mapped[str]
    network: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``VpcConfig``, empty for the service's own network."""
    lake_uri: Mapped[str]
    """The root of its data lake; it ends in a slash."""
    marker_sha256: Mapped[str | None]
    """The digest of the lake's marker in hexadecimal, ``None`` until the lake exists."""
    pending: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What an update will change when its check has succeeded, by the names of these columns."""
    job_id: Mapped[str | None]
    """The job that makes the lake, or checks it for an update."""
    iterations: Mapped[int]
    """How many iterations it has had."""
    latest_iteration: Mapped[str | None]
    schedule: Mapped[str | None]
    """The value of its schedule tag for which ``next_at`` was computed."""
    next_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When its schedule starts the next iteration."""
    token: Mapped[str | None]
    """The client token of the request that created it."""
    digest: Mapped[str]
    """The digest of that request's parameters."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class DatasetRow(Base):
    """A dataset of a flywheel. The job ``job_id``, which has its ARN, takes it into the data lake."""

    __tablename__ = "flywheel_datasets"
    __table_args__ = (
        Index("ix_flywheel_datasets_listing", "account", "created_at", "arn"),
        UniqueConstraint("account", "token"),
    )

    arn: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    flywheel_arn: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    type: Mapped[str]
    """``TRAIN`` or ``TEST``."""
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str]
    """``CREATING``, ``COMPLETED`` or ``FAILED``."""
    message: Mapped[str | None] = mapped_column(Text)
    uri: Mapped[str]
    """Its folder in the lake."""
    documents: Mapped[int | None]
    sha256: Mapped[str | None]
    """The digest of its manifest in hexadecimal, as the store has it."""
    job_id: Mapped[str]
    token: Mapped[str | None]
    digest: Mapped[str]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


RUNNING_ITERATIONS = ("TRAINING", "EVALUATING", "STOP_REQUESTED")
"""The statuses of an iteration that has not ended."""


class IterationRow(Base):
    """An iteration of a flywheel: the training of a model, and then the evaluation of both models by ``job_id``."""

    __tablename__ = "flywheel_iterations"
    __table_args__ = (UniqueConstraint("flywheel_arn", "token"),)

    flywheel_arn: Mapped[str] = mapped_column(primary_key=True)
    iteration_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    number: Mapped[int]
    """Counts the flywheel's iterations from 1; the number of the version's folder in the lake."""
    status: Mapped[str] = mapped_column(index=True)
    message: Mapped[str | None] = mapped_column(Text)
    evaluated_model_arn: Mapped[str | None]
    """The model that was active when it was started."""
    evaluated_metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    trained_model_arn: Mapped[str]
    trained_metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    lake: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The marker of the lake and the datasets of the iteration, as its jobs get them."""
    prefix_uri: Mapped[str]
    """The folder of the evaluation."""
    training_id: Mapped[str]
    job_id: Mapped[str | None]
    token: Mapped[str | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
