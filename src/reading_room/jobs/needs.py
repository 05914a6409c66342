"""Which containers there are and what they need: the controller's questions to the tables, one query each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from reading_room.jobs.job import Phase, width
from reading_room.jobs.ports import NetworkNeed
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc.tables import NetworkInterface


@dataclass(frozen=True, slots=True)
class ContainerNeed:
    """A container row: what it needs, its job as it was read, and since when its interface is deleted."""

    need: NetworkNeed
    job: JobRow
    removed_at: dt.datetime | None


def wanted_on(session: Session, host: str) -> list[ContainerNeed]:
    """Return the containers that a host should run and that have an interface."""
    return _held(
        session,
        JobContainerRow.wanted.is_(True),
        JobContainerRow.interface_id.is_not(None),
        JobContainerRow.host == host,
    )


def placed(session: Session) -> list[ContainerNeed]:
    """Return the wanted containers of every host that have an interface."""
    return _held(session, JobContainerRow.wanted.is_(True), JobContainerRow.interface_id.is_not(None))


def unwanted(session: Session) -> list[ContainerNeed]:
    """Return the containers of which something may still be left."""
    return _held(session, JobContainerRow.wanted.is_(False))


def container_at(vpc_id: str, source_ip: str) -> Select[JobContainerRow, JobRow]:
    """Return the query for the container behind an address of a VPC, and its job; at most one.

    The container must be wanted now: one that is ending, and a later one that got the same address, are never confused.
    """
    return (
        select(JobContainerRow, JobRow)
        .join(NetworkInterface, NetworkInterface.interface_id == JobContainerRow.interface_id)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(
            NetworkInterface.vpc_id == vpc_id,
            NetworkInterface.address == source_ip,
            NetworkInterface.container_id == JobContainerRow.container_id,
            JobContainerRow.wanted,
        )
    )


def not_begun(session: Session) -> list[str]:
    """Return the ids of the jobs of which nothing runs yet, the longest waiting first."""
    waiting = JobRow.phase.in_([Phase.QUEUED.value, Phase.PREPARING.value])
    return list(session.scalars(select(JobRow.job_id).where(waiting).order_by(JobRow.submitted_at, JobRow.job_id)))


def being_prepared(session: Session) -> list[list[NetworkNeed]]:
    """Return what the containers of each job in preparation need, first container first, longest waiting job first."""
    rows = session.execute(
        _containers(Phase.PREPARING).order_by(JobRow.submitted_at, JobRow.job_id, JobContainerRow.member)
    )
    needs = [need_of(container, job) for container, job in rows]
    return [list(group) for _, group in groupby(needs, key=lambda need: need.job_id)]


def being_added(session: Session) -> list[NetworkNeed]:
    """Return what the containers need that running jobs were given for lost ones."""
    query = _containers(Phase.RUNNING).where(JobContainerRow.interface_id.is_(None))
    return [need_of(container, job) for container, job in session.execute(query.order_by(JobContainerRow.container_id))]


def _containers(phase: Phase) -> Select[JobContainerRow, JobRow]:
    return (
        select(JobContainerRow, JobRow)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(JobRow.phase == phase.value, JobContainerRow.wanted.is_(True), JobContainerRow.attempt == JobRow.attempt)
    )


def ready_to_end(session: Session) -> list[JobRow]:
    """Return the finishing jobs of which no container is left."""
    held = select(JobContainerRow.job_id)
    query = select(JobRow).where(JobRow.phase == Phase.FINISHING.value, JobRow.job_id.not_in(held))
    return list(session.scalars(query))


def timed(session: Session) -> list[JobRow]:
    """Return the jobs that time limits are about."""
    phases = [phase.value for phase in (Phase.PREPARING, Phase.RUNNING, Phase.STOPPING)]
    return list(session.scalars(select(JobRow).where(JobRow.phase.in_(phases))))


def need_of(container: JobContainerRow, job: JobRow) -> NetworkNeed:
    """Return what a container needs of the network."""
    return NetworkNeed(
        container_id=container.container_id,
        attempt=container.attempt,
        host=container.host,
        job_id=job.job_id,
        job_arn=job.arn,
        account=job.account,
        region=job.region,
        role_arn=container.role_arn,
        subnets=None if job.subnets is None else tuple(job.subnets),
        security_groups=None if job.security_groups is None else tuple(job.security_groups),
        interface_id=container.interface_id,
        member=container.member,
        containers=width(job.containers, container.attempt),
    )


def _held(session: Session, *conditions: ColumnElement[bool]) -> list[ContainerNeed]:
    rows = session.execute(
        select(JobContainerRow, JobRow)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(*conditions)
        # The first container speaks for the job, and is heard first.
        .order_by(JobContainerRow.job_id, JobContainerRow.attempt, JobContainerRow.member)
    )
    return [ContainerNeed(need_of(row, job), job, row.removed_at) for row, job in rows]
