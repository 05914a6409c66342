"""The schema of jobs on one page: jobs, what happened to them, their containers, their tags."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class JobRow(Base):
    """One job.

    ``phase``, ``attempt``, ``stop_requested``, the outcome, ``containers`` and what is said of members are written by
    the state machine only.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        # A retried request finds the job that its first try made.
        UniqueConstraint("account", "kind", "client_token"),
        Index("ix_jobs_listing", "account", "kind", "submitted_at", "job_id"),
        # By phase, and the queue of each account and kind: the next of it, or the next account or kind, is one seek.
        Index("ix_jobs_queue", "phase", "account", "kind", "submitted_at", "job_id"),
        # When a job of an account, or of one of its kinds, last began.
        Index("ix_jobs_account_admitted", "account", "admitted_at"),
        Index("ix_jobs_kind_admitted", "account", "kind", "admitted_at"),
        # Which engines were asked for lately is read with every spec.
        Index("ix_jobs_submitted", "submitted_at", "engine"),
    )

    job_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    region: Mapped[str]
    kind: Mapped[str]
    """The job type of its ARN, for example ``entities-detection-job``."""
    arn: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str | None]
    client_token: Mapped[str | None]
    fingerprint: Mapped[str]
    """Digest of the request's parameters: the same token with others is a conflict."""

    phase: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=0)
    stop_requested: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_text: Mapped[str | None]

    containers: Mapped[int] = mapped_column(default=1)
    """How many containers an attempt begins with; the last attempt has one."""
    members: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Numbers of the present attempt's containers that are wanted."""
    members_made: Mapped[int] = mapped_column(default=0)
    """How many numbers the present attempt has used."""
    replacements: Mapped[int] = mapped_column(default=0)
    """How many of the containers that the present attempt may be given for lost ones are used up."""
    distributed: Mapped[bool] = mapped_column(default=False)
    """Whether an attempt of several containers ran, and may have written parts."""
    part_bytes: Mapped[int] = mapped_column(default=1_000_000)
    """Bytes of input that are analysed as one part."""

    submitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    admitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    running_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When containers of it first had their interfaces: its progress is counted from then."""
    stop_asked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finishing_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    role_arn: Mapped[str]
    engine: Mapped[str]
    analysis: Mapped[str]
    """The ``kind`` of the worker's job file."""
    language: Mapped[str | None]
    input_uri: Mapped[str]
    input_format: Mapped[str]
    output_uri: Mapped[str]
    """The whole final location, ``s3://bucket/…/output/output.tar.gz``."""
    document_limit: Mapped[int]
    total_limit: Mapped[int] = mapped_column(default=5_000_000_000)
    documents_limit: Mapped[int] = mapped_column(default=1_000_000)
    request: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Members of the request that only jobs of this kind have, defaults filled in: ``NumberOfTopics`` and the like."""
    subnets: Mapped[list[str] | None] = mapped_column(JSON)
    """As given in VpcConfig; ``None`` for a job in the service's own network."""
    security_groups: Mapped[list[str] | None] = mapped_column(JSON)
    documents: Mapped[int] = mapped_column(default=0)
    """Finished so far, as the first worker tells."""
    documents_of: Mapped[int] = mapped_column(default=0)
    """Of so many in all, as it tells; 0 while that is not known."""

    model_arn: Mapped[str | None] = mapped_column(index=True)
    """The custom model that it uses, or makes: then it is a training, and has the model's own ARN."""
    artifact_uri: Mapped[str | None]
    """Where that model's artifact is, in the service's own bucket."""
    artifact_sha256: Mapped[str | None]
    """What the artifact must have, in hexadecimal. A training has none until the controller has seen the object."""
    artifact_size: Mapped[int | None]
    """Bytes of the artifact that a training made."""
    result: Mapped[str | None]
    """What a training says of its model, as a JSON object that was checked."""
    warning: Mapped[str | None]
    """Why a trained model is only TRAINED_WITH_WARNING."""

    @property
    def is_training(self) -> bool:
        """Whether it makes a custom model."""
        return self.model_arn == self.arn


class JobEventRow(Base):
    """Something that happened to a job, for ``jobs explain`` and for whoever asks why."""

    __tablename__ = "job_events"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), index=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    event: Mapped[str]
    text: Mapped[str]
    told: Mapped[bool] = mapped_column(default=False, index=True)
    """Whether the job's log stream has it."""


class JobContainerRow(Base):
    """A container of one attempt, from its being asked for until nothing of it is left.

    A host should run it while it is ``wanted`` and has an interface. Not wanted, it is work for the controller: the
    interface is to be removed, then the row.
    """

    __tablename__ = "job_containers"

    container_id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), index=True)
    attempt: Mapped[int]
    member: Mapped[int] = mapped_column(default=0)
    """Its number among the containers of the attempt; the first, 0, speaks for the job."""
    host: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str | None]
    interface_id: Mapped[str | None] = mapped_column(unique=True)
    role_arn: Mapped[str]
    session_name: Mapped[str]
    credentials_path: Mapped[str] = mapped_column(unique=True)
    model_credentials_path: Mapped[str | None] = mapped_column(unique=True)
    """Where the container asks for the service's own session, for the artifact of its job's model and nothing else."""
    cluster_path: Mapped[str | None] = mapped_column(unique=True)
    """Where it asks for its certificate in the cluster, and the first for the parts; ``None`` where it is alone."""
    wanted: Mapped[bool] = mapped_column(default=True)
    stop: Mapped[bool] = mapped_column(default=False)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When its interface was deleted; the row stays until the host has let go of it too."""


PART_OPEN, PART_DONE = "open", "done"
"""The states of a part."""


class PlanRow(Base):
    """How a job's input is cut into parts, as the first container of an attempt registered it; until the job ends."""

    __tablename__ = "job_plans"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int]
    """The last that registered it."""
    digest: Mapped[str]
    """Of the plan, in hexadecimal: the same for every attempt that finds the same input."""
    fence: Mapped[int]
    """No part of an earlier plan had a higher one."""


class PartRow(Base):
    """A part of a job's input, from the registration of its plan until the job ends."""

    __tablename__ = "job_parts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bytes: Mapped[int]
    documents: Mapped[int | None]
    """As the cut counted them; ``None`` where it did not."""
    state: Mapped[str]
    holder: Mapped[str | None]
    """The container that has it, or that finished it."""
    fence: Mapped[int]
    """Raised by each claim, and never lower than under an earlier plan: the holder has to say it."""
    attempt: Mapped[int]
    """The holder's; 0 while nobody has had it."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    key: Mapped[str | None]
    """Of the object with its results; this and what follows is there when it is done."""
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    done_documents: Mapped[int | None]
    errors: Mapped[int | None]


class ClusterAuthorityRow(Base):
    """That an attempt of a job has had its certificate authority, so that no second one is made for it."""

    __tablename__ = "job_cluster_authorities"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class JobTagRow(Base):
    """A tag of a job or of a custom model."""

    __tablename__ = "job_tags"

    arn: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


CONTAINER_TABLES = frozenset({JobContainerRow.__tablename__})
"""The tables whose rows shape what hosts should run."""
