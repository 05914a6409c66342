"""Finding the interfaces of a job's containers, by description and requester id."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.dataplane.spec import Interface, NetworkSpec
from reading_room.jobs.ports import NetworkNeed
from reading_room.jobs.tables import JobContainerRow
from reading_room.vpc.interfaces.network_interfaces import SERVICE_ACCOUNT
from reading_room.vpc.tables import NetworkInterface, NetworkInterfacePermission
from reading_room.vpc.vpcs import service_network

SESSION_NAME = "Comprehend"
"""The name of the role's session that creates interfaces, and so the end of their RequesterId."""
_DESCRIPTION = "Amazon Comprehend job "


def description(need: NetworkNeed) -> str:
    """Return the description of a container's interface, which has the job's ARN and the container's id."""
    return _description(need.job_arn, need.container_id)


def interfaces_of(session: Session, need: NetworkNeed) -> list[NetworkInterface]:
    """Return the interfaces of a container: those attached to it, recorded in its row, or created for it."""
    query = select(NetworkInterface).order_by(NetworkInterface.interface_id)
    held = session.scalars(query.where(NetworkInterface.container_id == need.container_id))
    found = {row.interface_id: row for row in held}
    noted = None if need.interface_id is None else session.get(NetworkInterface, need.interface_id)
    if noted is not None:
        found[noted.interface_id] = noted
    made = session.scalars(
        query.where(NetworkInterface.account == need.account, NetworkInterface.description == description(need))
    )
    return list((found | {row.interface_id: row for row in made if _is_ours(row)}).values())


def made_for(session: Session, need: NetworkNeed) -> NetworkInterface | None:
    """Return the interface that was created for a container, or ``None`` before it exists."""
    return next(iter(interfaces_of(session, need)), None)


def other_interfaces(session: Session, need: NetworkNeed) -> Counter[str]:
    """Return how many interfaces the other wanted containers of the same attempt have, by subnet."""
    others = session.scalars(
        select(JobContainerRow.container_id).where(
            JobContainerRow.job_id == need.job_id,
            JobContainerRow.attempt == need.attempt,
            JobContainerRow.container_id != need.container_id,
            JobContainerRow.wanted,
        )
    )
    texts = [_description(need.job_arn, other) for other in others]
    if not texts:
        return Counter()
    rows = session.scalars(
        select(NetworkInterface).where(
            NetworkInterface.account == need.account, NetworkInterface.description.in_(texts)
        )
    )
    return Counter(row.subnet_id for row in rows if _is_ours(row))


def interfaces_of_attempt(session: Session, need: NetworkNeed) -> list[NetworkInterface]:
    """Return the interfaces of the wanted containers of the same attempt, the first container's first."""
    query = (
        select(NetworkInterface)
        .join(JobContainerRow, JobContainerRow.interface_id == NetworkInterface.interface_id)
        .where(JobContainerRow.job_id == need.job_id, JobContainerRow.attempt == need.attempt, JobContainerRow.wanted)
        .order_by(JobContainerRow.member)
    )
    return list(session.scalars(query))


def leftovers(session: Session) -> list[NetworkInterface]:
    """Return the interfaces that were created for jobs and belong to no container row."""
    rows = session.execute(select(JobContainerRow.container_id, JobContainerRow.interface_id)).all()
    known = {value for row in rows for value in row if value is not None}
    candidates = session.scalars(
        select(NetworkInterface).where(
            NetworkInterface.description.startswith(_DESCRIPTION) | (NetworkInterface.account == service_network.OWNER)
        )
    )
    return [
        row
        for row in candidates
        if _is_ours(row) and not known & {row.interface_id, row.container_id or _container_named_by(row)}
    ]


def permissions_of(session: Session, interface_id: str) -> list[str]:
    """Return the ids of the permissions that allow this service to attach an interface."""
    query = select(NetworkInterfacePermission.permission_id).where(
        NetworkInterfacePermission.interface_id == interface_id,
        NetworkInterfacePermission.aws_account_id == SERVICE_ACCOUNT,
    )
    return list(session.scalars(query))


def as_attached(spec: NetworkSpec, containers: Mapping[str, str]) -> NetworkSpec:
    """Return the network as if each interface were attached to its container, by interface id in ``containers``."""

    def attached(each: Interface) -> Interface:
        return dataclasses.replace(each, container_id=containers.get(each.interface_id, each.container_id))

    vpcs = (dataclasses.replace(vpc, interfaces=tuple(map(attached, vpc.interfaces))) for vpc in spec.vpcs)
    return dataclasses.replace(spec, vpcs=tuple(vpcs))


def _is_ours(row: NetworkInterface) -> bool:
    """Return whether the service created an interface: a caller can forge the description, but not the requester id."""
    return row.requester_id.endswith(f":{SESSION_NAME}")


def _description(job_arn: str, container_id: str) -> str:
    return f"{_DESCRIPTION}{job_arn} ({container_id})"


def _container_named_by(row: NetworkInterface) -> str:
    return row.description.rpartition("(")[2].rstrip(")")
