"""The schema of custom models on one page. How a training goes is in the tables of jobs: a training is a job."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class ModelRow(Base):
    """One version of a custom model, from the request until nothing of it is left.

    ``model_id`` is the id of its training, the job in ``jobs`` that has the model's ARN. An imported model has no such
    job: what a training would have found is in ``artifact_sha256`` and the members after it.
    """

    __tablename__ = "models"
    __table_args__ = (Index("ix_models_listing", "account", "kind", "submitted_at", "arn"),)

    arn: Mapped[str] = mapped_column(primary_key=True)
    """Holds name and version, so that both together are unique."""
    model_id: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str]
    region: Mapped[str]
    kind: Mapped[str]
    """The type in its ARN: ``document-classifier`` or ``entity-recognizer``."""
    name: Mapped[str]
    version: Mapped[str | None]
    language: Mapped[str]
    mode: Mapped[str | None]
    """``MULTI_CLASS`` or ``MULTI_LABEL``; a recognizer has none."""
    input_config: Mapped[dict[str, Any]] = mapped_column(JSON)
    """``InputDataConfig`` with its defaults filled in."""
    output_uri: Mapped[str | None]
    """Where a classifier's confusion matrix goes; ``None`` when nobody asked for it."""
    role_arn: Mapped[str | None]
    submitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    artifact_uri: Mapped[str]
    source_arn: Mapped[str | None]
    """The model that it was imported from."""
    source_artifact_uri: Mapped[str | None]
    artifact_sha256: Mapped[str | None]
    artifact_size: Mapped[int | None]
    result: Mapped[str | None]
    warning: Mapped[str | None]
    failure: Mapped[str | None]
    """Why an import failed, ``CODE: sentence``."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When an import had its artifact, or failed."""
    deleting: Mapped[bool] = mapped_column(default=False)


class ModelPolicyRow(Base):
    """The resource policy of a model: who else may import it."""

    __tablename__ = "model_policies"

    arn: Mapped[str] = mapped_column(primary_key=True)
    policy: Mapped[str] = mapped_column(Text)
    """As given."""
    pinned_policy: Mapped[str] = mapped_column(Text)
    """For decisions: unique ids in place of the ARNs of users and roles."""
    revision: Mapped[str]
    """32 hexadecimal digits, new with every change."""
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    modified_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
