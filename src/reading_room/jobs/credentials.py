"""Whose credentials an address inside a VPC may fetch: those of the job whose interface it is, while the job lives."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam.container_credentials import CredentialsOwner
from reading_room.iam.role_sessions import revoke
from reading_room.jobs.places import location_of
from reading_room.jobs.record import session_arn, session_name
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.s3 import service_bucket
from reading_room.vpc.tables import NetworkInterface, Vpc


def owner_of(session: Session, vpc_id: str, source_ip: str) -> CredentialsOwner | None:
    """Return the owner of credentials behind ``source_ip`` in a VPC, or ``None``.

    The address must be that of an interface whose container is wanted now: a job that is ending, and a later job that
    got the same address, are never confused.
    """
    found = session.execute(
        select(JobContainerRow, JobRow, Vpc.internal)
        .join(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .join(Vpc, Vpc.vpc_id == NetworkInterface.vpc_id)
        .where(
            NetworkInterface.vpc_id == vpc_id,
            NetworkInterface.address == source_ip,
            NetworkInterface.container_id == JobContainerRow.container_id,
            JobContainerRow.wanted,
        )
    ).first()
    if found is None:
        return None
    container, job, internal = found
    return CredentialsOwner(
        role_arn=container.role_arn,
        path=container.credentials_path,
        job_arn=job.arn,
        session_name=container.session_name,
        model=_for_model(container, job, None if internal else vpc_id, source_ip),
    )


def _for_model(container: JobContainerRow, job: JobRow, vpc_id: str | None, address: str) -> CredentialsOwner | None:
    """Return the service's own session for the artifact of the job's model: a training writes it, a job reads it."""
    if job.artifact_uri is None or container.model_credentials_path is None:
        return None
    place = location_of(job.artifact_uri)
    return CredentialsOwner(
        role_arn=service_bucket.ROLE_ARN,
        path=container.model_credentials_path,
        job_arn=job.arn,
        session_name=container.session_name,
        policy=service_bucket.session_policy(
            place.bucket, place.key, writes=job.is_training, vpc_id=vpc_id, address=address
        ),
    )


def model_session_arn(job_id: str) -> str:
    """Return the ARN of the service's own session of a job."""
    return session_arn(service_bucket.ROLE_ARN, job_id)


def revoke_model_session(session: Session, job_id: str) -> None:
    """Take the service's own session from a job whose container is not wanted any more."""
    revoke(session, service_bucket.ROLE_ARN, session_name(job_id))
