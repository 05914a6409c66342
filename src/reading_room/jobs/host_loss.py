"""What the loss of a host means for the containers on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reading_room.fleet.members import Member
from reading_room.jobs.job import ContainerLost, Event, MemberLost
from reading_room.jobs.needs import ContainerNeed
from reading_room.jobs.ports import NetworkNeed


def lost(
    running: Sequence[ContainerNeed], members: Sequence[Member], epochs: Mapping[str, int]
) -> list[tuple[NetworkNeed, Event]]:
    """Return the event of each container that ended with its host, in the order of ``running``.

    A host that came back is in a later epoch. It ended its containers when its lease did, even if nobody noticed in
    between. ``epochs`` are those in which the containers were placed.
    """
    hosts = {member.host: member for member in members}
    found: list[tuple[NetworkNeed, Event]] = []
    for container in running:
        need = container.need
        host = hosts.get(need.host)
        if host is None or host.lost:
            reason = f"its host {need.host} was lost"
        elif epochs.get(need.container_id, 0) < host.epoch:
            reason = f"its host {need.host} was cut off, and ended it"
        else:
            continue
        found.append((need, MemberLost(need.member, reason) if need.member else ContainerLost(reason)))
    return found
