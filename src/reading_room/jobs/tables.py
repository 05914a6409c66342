"""The schema of jobs on one page: jobs, their events, containers, parts and tags."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.analysis.kinds import WORK_KINDS
from reading_room.database.base import Base, UtcDateTime


class JobRow(Base):
    """A job.

    Only the state machine writes ``phase``, ``attempt``, ``stop_requested``, the outcome, ``containers`` and the
    columns about members.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        # A retried request finds the job that its first try created.
        UniqueConstraint("account", "kind", "client_token"),
        Index("ix_jobs_listing", "account", "kind", "submitted_at", "job_id"),
        Index("ix_jobs_names", "account", "kind", "name", "submitted_at", "job_id"),
        # For jobs by phase, and the queue of each account and kind: the next job, kind or account is one index seek.
        Index("ix_jobs_queue", "phase", "account", "kind", "submitted_at", "job_id"),
        # For when a job of an account, or of one of its kinds, last began.
        Index("ix_jobs_account_admitted", "account", "admitted_at"),
        Index("ix_jobs_kind_admitted", "account", "kind", "admitted_at"),
        # For the retention of jobs, the first to end first.
        Index("ix_jobs_ended", "ended_at", "job_id"),
        # Every spec reads which engines were needed recently.
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
    """The digest of the request's parameters: the same token with other parameters is a conflict."""

    phase: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=0)
    stop_requested: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_text: Mapped[str | None]

    containers: Mapped[int] = mapped_column(default=1)
    """How many containers an attempt begins with; the last attempt has one."""
    members: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The numbers of the wanted containers of the current attempt."""
    members_made: Mapped[int] = mapped_column(default=0)
    """How many numbers the current attempt has used."""
    replacements: Mapped[int] = mapped_column(default=0)
    """How many containers have replaced lost ones in the current attempt."""
    distributed: Mapped[bool] = mapped_column(default=False)
    """Whether an attempt with several containers ran, and may have written parts."""
    part_bytes: Mapped[int] = mapped_column(default=1_000_000)
    """The bytes of input of one part."""

    submitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    admitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    running_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When its containers first had their interfaces; its progress is measured from then."""
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
    """The complete location of the archive, ``s3://bucket/…/output/output.tar.gz``, or of the folder, ``…/output/``."""
    document_limit: Mapped[int]
    total_limit: Mapped[int] = mapped_column(default=5_000_000_000)
    documents_limit: Mapped[int] = mapped_column(default=1_000_000)
    request: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The members of the request that only this kind of job has, with defaults filled in, like ``NumberOfTopics``."""
    subnets: Mapped[list[str] | None] = mapped_column(JSON)
    """As given in VpcConfig; ``None`` for a job in the service's own network."""
    security_groups: Mapped[list[str] | None] = mapped_column(JSON)
    documents: Mapped[int] = mapped_column(default=0)
    """The number of finished documents that the first worker has reported."""
    documents_of: Mapped[int] = mapped_column(default=0)
    """The number of all documents that it has reported, 0 while it is not known."""

    model_arn: Mapped[str | None] = mapped_column(index=True)
    """The custom model that the job uses or trains; a training has the model's ARN as its own."""
    artifact_uri: Mapped[str | None]
    """The location of the model's artifact in the service's own bucket."""
    artifact_sha256: Mapped[str | None]
    """The digest of the artifact in hexadecimal. A training has none until the controller has found the object; without
    a model, it is that of an output with a description."""
    artifact_size: Mapped[int | None]
    """The size in bytes of the artifact of a training, or of an output with a description."""
    result: Mapped[str | None]
    """The validated metadata that a training, or a job that describes its output, has reported, as a JSON object."""
    warning: Mapped[str | None]
    """Why a trained model is only TRAINED_WITH_WARNING."""
    trace: Mapped[str | None]
    """The id of its trace, ``None`` if it is not traced: that of the request that submitted it, without hyphens."""

    @property
    def is_training(self) -> bool:
        """Whether the job trains a custom model."""
        return self.model_arn == self.arn

    @property
    def is_described(self) -> bool:
        """Whether its worker describes its output in metadata, although it makes no model."""
        return WORK_KINDS[self.analysis].described


class JobEventRow(Base):
    """An event of a job, for its story and ``jobs explain``."""

    __tablename__ = "job_events"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), index=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    event: Mapped[str]
    text: Mapped[str]
    told: Mapped[bool] = mapped_column(default=False, index=True)
    """Whether it has been copied to the job's log stream."""


class JobContainerRow(Base):
    """A container of one attempt, from when it is requested until it is completely removed.

    A host should run it while it is ``wanted`` and has an interface. When it is no longer wanted, the controller
    removes its interface, then its row.
    """

    __tablename__ = "job_containers"

    container_id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id"), index=True)
    attempt: Mapped[int]
    member: Mapped[int] = mapped_column(default=0)
    """Its number among the containers of the attempt; the first one, 0, reports for the job."""
    host: Mapped[str] = mapped_column(index=True)
    vpc_id: Mapped[str | None]
    interface_id: Mapped[str | None] = mapped_column(unique=True)
    role_arn: Mapped[str]
    session_name: Mapped[str]
    credentials_path: Mapped[str] = mapped_column(unique=True)
    model_credentials_path: Mapped[str | None] = mapped_column(unique=True)
    """The path at which the container gets the service's own session, which is only for the artifact of its model."""
    cluster_path: Mapped[str | None] = mapped_column(unique=True)
    """The path for its certificate, and for the parts of the first container; ``None`` for a single container."""
    wanted: Mapped[bool] = mapped_column(default=True)
    stop: Mapped[bool] = mapped_column(default=False)
    removed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    """When its interface was deleted; the row stays until the host has also removed it."""


class ContainerEpochRow(Base):
    """The epoch in which a container's host was when it was placed there: a host in a later one has ended it.

    There are rows only with several hosts.
    """

    __tablename__ = "container_epochs"

    container_id: Mapped[str] = mapped_column(
        ForeignKey("job_containers.container_id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int]


PART_OPEN, PART_DONE = "open", "done"
"""The states of a part."""


class PlanRow(Base):
    """How a job's input is divided into parts, registered by the first container of an attempt. Deleted at the end."""

    __tablename__ = "job_plans"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int]
    """The last attempt that registered the plan."""
    digest: Mapped[str]
    """The digest of the plan in hexadecimal, the same for every attempt that finds the same input."""
    fence: Mapped[int]
    """At least as high as the fence of every part of an earlier plan."""


class PartRow(Base):
    """A part of a job's input, from the registration of its plan until the job ends."""

    __tablename__ = "job_parts"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    bytes: Mapped[int]
    documents: Mapped[int | None]
    """The number of documents, or ``None`` if the plan does not have it."""
    state: Mapped[str]
    holder: Mapped[str | None]
    """The container that holds the part or has finished it."""
    fence: Mapped[int]
    """Raised by each claim, and never lower than under an earlier plan. The holder must present it."""
    attempt: Mapped[int]
    """The attempt of the holder, 0 before the first one."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    key: Mapped[str | None]
    """The key of the object with its results. This and the following columns are set when the part is done."""
    size: Mapped[int | None]
    sha256: Mapped[str | None]
    done_documents: Mapped[int | None]
    errors: Mapped[int | None]
    characters: Mapped[int | None] = mapped_column(BigInteger)
    units: Mapped[int | None] = mapped_column(BigInteger)


class ClusterAuthorityRow(Base):
    """Records that an attempt of a job has had its certificate authority, so that it never gets a second one."""

    __tablename__ = "job_cluster_authorities"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class JobUsageRow(Base):
    """What a job used, for bills. It has only numbers, and stays when the job's record is erased."""

    __tablename__ = "job_usage"
    __table_args__ = (Index("ix_job_usage_month", "month", "account", "job_id"),)

    job_id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    month: Mapped[str]
    """The month (UTC) in which its result was accepted, such as ``2026-11``."""
    kind: Mapped[str]
    """``analysis`` of the job."""
    ended_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    documents: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)
    input_bytes: Mapped[int] = mapped_column(BigInteger)
    training_seconds: Mapped[int] = mapped_column(BigInteger)


class CallUsageRow(Base):
    """What the synchronous calls of an operation used, in one account and month (UTC)."""

    __tablename__ = "call_usage"

    account: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    documents: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)


class CallUsageMark(Base):
    """The number of the newest call of a data folder's file that is in ``call_usage``."""

    __tablename__ = "call_usage_marks"

    server: Mapped[str] = mapped_column(primary_key=True)
    """The identity of the data folder; empty if the database has only one."""
    number: Mapped[int] = mapped_column(BigInteger)


class JobTagRow(Base):
    """A tag of a job or of a custom model."""

    __tablename__ = "job_tags"

    arn: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


CONTAINER_TABLES = frozenset({JobContainerRow.__tablename__})
"""The tables whose rows shape what hosts should run."""
