"""The controller's queries for containers and what they need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from reading_room.clock import LEAST_STEP
from reading_room.jobs.job import TERMINAL, Phase, width
from reading_room.jobs.ports import NetworkNeed
from reading_room.jobs.tables import ContainerEpochRow, JobContainerRow, JobRow
from reading_room.vpc.tables import NetworkInterface


@dataclass(frozen=True, slots=True)
class ContainerNeed:
    """A container: what it needs, its job when it was read, and when its interface was deleted."""

    need: NetworkNeed
    job: JobRow
    removed_at: dt.datetime | None


def placed(session: Session) -> list[ContainerNeed]:
    """Return the containers that hosts should run, those of all hosts: wanted ones that have an interface."""
    return _needs(session, JobContainerRow.wanted.is_(True), JobContainerRow.interface_id.is_not(None))


def epochs(session: Session) -> dict[str, int]:
    """Return the epoch in which each container's host was when it was placed there.

    Containers from before there were several hosts are missing: their host was in epoch 0.
    """
    return dict(session.execute(select(ContainerEpochRow.container_id, ContainerEpochRow.epoch)).all())


def unwanted(session: Session) -> list[ContainerNeed]:
    """Return the containers that are no longer wanted but may not be removed completely."""
    return _needs(session, JobContainerRow.wanted.is_(False))


def container_at(vpc_id: str, source_ip: str) -> Select[JobContainerRow, JobRow]:
    """Return the query for the container with an address of a VPC, and its job; at most one.

    The container must be wanted now, so one that is ending is never confused with a later one with the same address.
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
    """Return the ids of the jobs without running containers, the longest waiting first."""
    waiting = JobRow.phase.in_([Phase.QUEUED.value, Phase.PREPARING.value])
    return list(session.scalars(select(JobRow.job_id).where(waiting).order_by(JobRow.submitted_at, JobRow.job_id)))


def being_prepared(session: Session) -> list[list[NetworkNeed]]:
    """Return the needs of the containers of each job in preparation, the longest waiting job first."""
    rows = session.execute(
        _containers(Phase.PREPARING).order_by(JobRow.submitted_at, JobRow.job_id, JobContainerRow.member)
    )
    needs = [need_of(container, job) for container, job in rows]
    return [list(group) for _, group in groupby(needs, key=lambda need: need.job_id)]


def engines_of(session: Session, job_ids: Collection[str]) -> dict[str, str]:
    """Return the engines of jobs."""
    query = select(JobRow.job_id, JobRow.engine).where(JobRow.job_id.in_(sorted(job_ids)))
    return dict(session.execute(query).all())


def being_added(session: Session) -> list[NetworkNeed]:
    """Return the needs of the containers that replace lost ones in running jobs."""
    query = _containers(Phase.RUNNING).where(JobContainerRow.interface_id.is_(None))
    return [need_of(container, job) for container, job in session.execute(query.order_by(JobContainerRow.container_id))]


def _containers(phase: Phase) -> Select[JobContainerRow, JobRow]:
    return (
        select(JobContainerRow, JobRow)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(JobRow.phase == phase.value, JobContainerRow.wanted.is_(True), JobContainerRow.attempt == JobRow.attempt)
    )


def ready_to_end(session: Session) -> list[JobRow]:
    """Return the finishing jobs without containers."""
    remaining = select(JobContainerRow.job_id)
    query = select(JobRow).where(JobRow.phase == Phase.FINISHING.value, JobRow.job_id.not_in(remaining))
    return list(session.scalars(query))


def timed(session: Session) -> list[JobRow]:
    """Return the jobs that have time limits."""
    phases = [phase.value for phase in (Phase.PREPARING, Phase.RUNNING, Phase.STOPPING)]
    return list(session.scalars(select(JobRow).where(JobRow.phase.in_(phases))))


def move_times(session: Session, by: dt.timedelta, now: dt.datetime) -> None:
    """Move the times from which limits of unfinished jobs are counted, after the wall clock was set by this much.

    Nothing is moved beyond ``now``. After a step back, only what is later than that is moved: the rest may have been
    written since, or moved by a process that was killed before it could note this. What is later by a moment may have
    been written between two steps, of which the last was small, and becomes ``now``.
    """

    def moved(at: dt.datetime | None) -> dt.datetime | None:
        if at is None or (by < dt.timedelta(0) and at <= now):
            return at
        if by < dt.timedelta(0) and at - now < dt.timedelta(seconds=LEAST_STEP):
            return now
        return min(at + by, now)

    unfinished = JobRow.phase.not_in([phase.value for phase in TERMINAL])
    for job in session.scalars(select(JobRow).where(unfinished, JobRow.admitted_at.is_not(None))):
        job.admitted_at = moved(job.admitted_at)
        job.running_at = moved(job.running_at)
        job.stop_asked_at = moved(job.stop_asked_at)
    for container in session.scalars(select(JobContainerRow).where(JobContainerRow.removed_at.is_not(None))):
        container.removed_at = moved(container.removed_at)


def need_of(container: JobContainerRow, job: JobRow) -> NetworkNeed:
    """Return the network need of a container."""
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


def _needs(session: Session, *conditions: ColumnElement[bool]) -> list[ContainerNeed]:
    rows = session.execute(
        select(JobContainerRow, JobRow)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(*conditions)
        # The first container reports for the job, so it comes first.
        .order_by(JobContainerRow.job_id, JobContainerRow.attempt, JobContainerRow.member)
    )
    return [ContainerNeed(need_of(row, job), job, row.removed_at) for row, job in rows]
