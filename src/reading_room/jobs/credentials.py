"""Whose credentials an address inside a VPC may fetch: those of the job whose interface it is, while the job lives."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam.container_credentials import CredentialsOwner
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc.tables import NetworkInterface


def owner_of(session: Session, vpc_id: str, source_ip: str) -> CredentialsOwner | None:
    """Return the owner of credentials behind ``source_ip`` in a VPC, or ``None``.

    The address must be that of an interface whose container is wanted now: a job that is ending, and a later job that
    got the same address, are never confused.
    """
    found = session.execute(
        select(JobContainerRow, JobRow.arn)
        .join(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(
            NetworkInterface.vpc_id == vpc_id,
            NetworkInterface.address == source_ip,
            NetworkInterface.container_id == JobContainerRow.container_id,
            JobContainerRow.wanted,
        )
    ).first()
    if found is None:
        return None
    container, arn = found
    return CredentialsOwner(
        role_arn=container.role_arn,
        path=container.credentials_path,
        job_arn=arn,
        session_name=container.session_name,
    )
