"""The schema of custom models, their endpoints, and recall profiles. Trainings are in the tables of jobs."""

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
    """The model that it was imported from."""
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
