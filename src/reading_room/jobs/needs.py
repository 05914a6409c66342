"""Which containers there are and what they need: the controller's questions to the tables, one query each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reading_room.jobs.job import ADMITTED, Phase
from reading_room.jobs.record import container_of
from reading_room.jobs.surroundings import NetworkNeed
from reading_room.jobs.tables import JobContainerRow, JobRow


@dataclass(frozen=True, slots=True)
class HeldContainer:
    """A container row: what it needs, its job as it was read, and since when its interface is deleted."""

    need: NetworkNeed
    job: JobRow
    removed_at: dt.datetime | None


def wanted_on(session: Session, host: str) -> list[HeldContainer]:
    """Return the containers that a host should run and that have an interface."""
    return _held(
        session,
        JobContainerRow.wanted.is_(True),
        JobContainerRow.interface_id.is_not(None),
        JobContainerRow.host == host,
    )


def placed(session: Session) -> list[HeldContainer]:
    """Return the wanted containers of every host that have an interface."""
    return _held(session, JobContainerRow.wanted.is_(True), JobContainerRow.interface_id.is_not(None))


def unwanted(session: Session) -> list[HeldContainer]:
    """Return the containers of which something may still be left."""
    return _held(session, JobContainerRow.wanted.is_(False))


def being_prepared(session: Session) -> list[NetworkNeed]:
    """Return what the containers of jobs in preparation need, longest waiting job first."""
    query = select(JobRow).where(JobRow.phase == Phase.PREPARING.value).order_by(JobRow.submitted_at)
    return [need_of(each, row) for row in session.scalars(query) if (each := container_of(session, row))]


def ready_to_end(session: Session) -> list[JobRow]:
    """Return the finishing jobs of which no container is left."""
    held = select(JobContainerRow.job_id)
    query = select(JobRow).where(JobRow.phase == Phase.FINISHING.value, JobRow.job_id.not_in(held))
    return list(session.scalars(query))


def timed(session: Session) -> list[JobRow]:
    """Return the jobs that time limits are about."""
    phases = [phase.value for phase in (Phase.PREPARING, Phase.RUNNING, Phase.STOPPING)]
    return list(session.scalars(select(JobRow).where(JobRow.phase.in_(phases))))


def admissible(session: Session, places: int) -> list[str]:
    """Return the ids of the queued jobs that ``places`` running jobs at once leave room for, oldest first."""
    admitted = [phase.value for phase in ADMITTED]
    busy = session.scalar(select(func.count()).select_from(JobRow).where(JobRow.phase.in_(admitted)))
    free = places - int(busy or 0)
    if free <= 0:
        return []
    queued = select(JobRow.job_id).where(JobRow.phase == Phase.QUEUED.value)
    return list(session.scalars(queued.order_by(JobRow.submitted_at, JobRow.job_id).limit(free)))


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
    )


def _held(session: Session, *conditions: ColumnElement[bool]) -> list[HeldContainer]:
    rows = session.execute(
        select(JobContainerRow, JobRow)
        .join(JobRow, JobRow.job_id == JobContainerRow.job_id)
        .where(*conditions)
        .order_by(JobContainerRow.container_id)
    )
    return [HeldContainer(need_of(row, job), job, row.removed_at) for row, job in rows]
