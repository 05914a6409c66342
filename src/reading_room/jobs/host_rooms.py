"""What several hosts have room for, as admission and placement need it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity, HostReport
from reading_room.fleet.members import Member
from reading_room.fleet.tables import ACTIVE, DRAINING
from reading_room.jobs.placement import ContainerSize, Host, places_left
from reading_room.jobs.tables import JobContainerRow

NODE_LABEL = "slurm-node"
"""The label with a host's name in Slurm, if that is another one."""


@dataclass(frozen=True, slots=True)
class HostRooms:
    """The hosts with their rooms and capacities. ``placed`` is how many containers of jobs they have together."""

    hosts: tuple[Host, ...]
    capacities: Mapping[str, Capacity]
    epochs: Mapping[str, int]
    placed: int
    size: ContainerSize

    @property
    def any_open(self) -> bool:
        """Whether any host takes new containers."""
        return any(not each.closed for each in self.hosts)

    def left(self, containers: int) -> int:
        """Return how many more containers fit, if jobs have been promised this many in all, placed or not."""
        room = sum(max(0, each.room) for each in self.hosts if not each.closed)
        return room - max(0, containers - self.placed)

    def free(self, zones: Collection[str] | None) -> Capacity:
        """Return the capacity that is free for one more job on the hosts of its zones, with at least one core."""
        open_ones = [each for each in self.hosts if not each.closed and (zones is None or each.zone in zones)]
        capacities = [(self.capacities[each.host], max(0, each.room)) for each in open_ones]
        return Capacity(
            cores=max(1, sum(min(capacity.cores, room) for capacity, room in capacities)),
            memory_bytes=sum(capacity.memory_bytes for capacity, _ in capacities),
            memory_free=sum(min(capacity.memory_free // self.size.memory, room) for capacity, room in capacities)
            * self.size.memory,
        )


def read(
    session: Session, members: Sequence[Member], reports: Mapping[str, HostReport], size: ContainerSize
) -> HostRooms:
    """Return the rooms of the hosts, from the containers that are placed on them and their newest reports."""
    placed: dict[str, set[str]] = defaultdict(set)
    query = select(JobContainerRow.host, JobContainerRow.container_id)
    for host, container in session.execute(
        query.where(JobContainerRow.wanted, JobContainerRow.interface_id.is_not(None))
    ):
        placed[host].add(container)
    capacities = {member.host: _capacity(member, reports.get(member.host)) for member in members}
    return HostRooms(
        hosts=tuple(
            _host(member, capacities[member.host], reports.get(member.host), placed[member.host], size)
            for member in members
        ),
        capacities=capacities,
        epochs={member.host: member.epoch for member in members},
        placed=sum(len(containers) for containers in placed.values()),
        size=size,
    )


def _capacity(member: Member, report: HostReport | None) -> Capacity:
    reported = None if report is None else report.capacity
    return reported or Capacity(member.cores, member.memory_bytes, member.memory_bytes)


def _host(
    member: Member, capacity: Capacity, report: HostReport | None, placed: Collection[str], size: ContainerSize
) -> Host:
    states = () if report is None else report.containers
    begun = {state.container_id for state in states if state.phase != "starting"}
    starting = len(set(placed) - begun)
    has = capacity.cores, capacity.memory_bytes, capacity.memory_free
    return Host(
        host=member.host,
        zone=member.zone,
        room=places_left(*has, size, len(placed), starting),
        closed=_closed(member),
        loaded={} if report is None else {each.engine: each.count for each in report.standby},
        node=member.labels.get(NODE_LABEL, member.host),
    )


def _closed(member: Member) -> str:
    if not member.leased:
        return "has no lease: it does not answer"
    if member.state == ACTIVE:
        return ""
    return "is being drained" if member.state == DRAINING else "is leaving"
