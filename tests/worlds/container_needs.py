"""What the containers of a job need from the network, as the controller would request it, without host and loop."""

from __future__ import annotations

from collections.abc import Sequence

from reading_room.jobs.job import Admitted, Placement, Prepared
from reading_room.jobs.needs import being_prepared, need_of
from reading_room.jobs.ports import NetworkNeed, PreparedInterface
from reading_room.jobs.record import apply
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc.groups import security_group_rules
from reading_room.vpc.groups.permissions import Permission
from reading_room.vpc.tables import SecurityGroup
from tests.worlds.preparation import ACCOUNT, PreparationWorld


def admitted(world: PreparationWorld, job: str, containers: int = 2) -> list[NetworkNeed]:
    """Admit a job with this many containers, and return what each needs, the first container's first."""
    with world.database.transaction() as session:
        apply(session, session.get_one(JobRow, job), Admitted(containers), world.now)
    with world.database.reading() as session:
        return next(needs for needs in being_prepared(session) if needs[0].job_id == job)


def prepared(world: PreparationWorld, needs: Sequence[NetworkNeed]) -> list[PreparedInterface]:
    """Make the interface of each container."""
    return [world.network.prepare(need) for need in needs]


def running(world: PreparationWorld, needs: Sequence[NetworkNeed]) -> list[NetworkNeed]:
    """Make the interfaces, attach them to the containers, and return what is needed from now on."""
    made = prepared(world, needs)
    with world.database.transaction() as session:
        for need, each in zip(needs, made, strict=True):
            world.network.attach(session, need, each.interface_id)
        placements = tuple(
            Placement(need.member, each.interface_id, each.vpc_id, each.place, need.host)
            for need, each in zip(needs, made, strict=True)
        )
        job = session.get_one(JobRow, needs[0].job_id)
        apply(session, job, Prepared(placements), world.now)
        return [need_of(session.get_one(JobContainerRow, need.container_id), job) for need in needs]


def open_group(world: PreparationWorld, *permissions: Permission, egress: bool = False) -> None:
    """Add rules to the world's group."""
    with world.database.transaction() as session:
        group = session.get_one(SecurityGroup, world.group)
        assert group.account == ACCOUNT
        security_group_rules.authorize(session, group, list(permissions), egress=egress)
