"""Checking whether a job could run in a network, with the interfaces that its containers would get.

Roles and policies are not checked: they depend on the caller and on the job.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reading_room.comprehend.network import cluster_reachability, storage_reachability
from reading_room.comprehend.network.failures import containers_cannot_connect, failure_of_network, no_route
from reading_room.dataplane import spec
from reading_room.jobs.errors import PreparationError
from reading_room.vpc import network_spec
from reading_room.vpc.addressing import addresses
from reading_room.vpc.interfaces.job_network import JobNetworkError, choose_subnets, validate_job_network
from reading_room.vpc.tables import NetworkInterface


@dataclass(frozen=True, slots=True)
class PlannedNetwork:
    """A network with the interfaces that a planned job would get, the first container's first."""

    spec: spec.NetworkSpec
    interfaces: Sequence[NetworkInterface]


def planned(
    session: Session,
    subnets: Sequence[str],
    groups: Sequence[str],
    containers: int,
    account: str | None = None,
) -> PlannedNetwork:
    """Return the network with a planned job's interfaces. Raises ``JobNetworkError`` if a job cannot have them.

    With ``account``, only that account's subnets and groups count as existing.
    """
    validate_job_network(session, subnets, groups, account=account, containers=containers)
    interfaces = _planned(session, subnets, containers)
    whole = network_spec.read(session, (interfaces[0].vpc_id,))
    return PlannedNetwork(_with(whole, interfaces, groups), interfaces)


def failures(
    session: Session, subnets: Sequence[str], groups: Sequence[str], containers: int
) -> list[PreparationError]:
    """Return the failures that a job with this many containers would have, as far as they can be foreseen."""
    try:
        network = planned(session, subnets, groups, containers)
    except JobNetworkError as error:
        return [failure_of_network(error)]
    found = []
    for row in {row.subnet_id: row for row in network.interfaces}.values():
        way = storage_reachability.find(session, network.spec, row)
        if way.obstacle is not None:
            found.append(no_route(row.subnet_id, way.obstacle))
    apart = cluster_reachability.obstacle(network.spec, network.interfaces, groups)
    return found if apart is None else [*found, containers_cannot_connect(apart)]


def _planned(session: Session, subnets: Sequence[str], containers: int) -> list[NetworkInterface]:
    """Return the interfaces that a job would get, as rows in no session."""
    chosen = choose_subnets(session, subnets, containers)
    counts = Counter(row.subnet_id for row in chosen)
    free = {row.subnet_id: iter(addresses.next_free(session, row, counts[row.subnet_id])) for row in chosen}
    return [
        NetworkInterface(
            interface_id=f"container-{number}",
            vpc_id=row.vpc_id,
            subnet_id=row.subnet_id,
            address=next(free[row.subnet_id]),
        )
        for number, row in enumerate(chosen)
    ]


def _with(network: spec.NetworkSpec, planned: Sequence[NetworkInterface], groups: Sequence[str]) -> spec.NetworkSpec:
    """Return the network with the interfaces added, each attached to a container and with the groups."""
    own = tuple(
        spec.Interface(row.interface_id, row.subnet_id, row.address, "", tuple(groups), row.interface_id)
        for row in planned
    )
    members = tuple(row.address for row in planned)

    def with_members(group: spec.SecurityGroup) -> spec.SecurityGroup:
        if group.group_id not in groups:
            return group
        return dataclasses.replace(group, members=(*group.members, *members))

    def with_planned(vpc: spec.Vpc) -> spec.Vpc:
        if vpc.vpc_id != planned[0].vpc_id:
            return vpc
        own_groups = tuple(map(with_members, vpc.groups))
        return dataclasses.replace(vpc, interfaces=(*vpc.interfaces, *own), groups=own_groups)

    return dataclasses.replace(network, vpcs=tuple(map(with_planned, network.vpcs)))
