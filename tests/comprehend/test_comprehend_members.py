"""The containers that a host should run for a job of several containers, and that its agent accepts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.agent.check import check
from reading_room.agent.spec import HostSpec
from reading_room.analysis.job_file import ClusterPlace
from reading_room.codec import decode, encode
from reading_room.hosts.desired import DesiredHosts
from reading_room.jobs.job import MemberLost, MemberPrepared, Placement
from reading_room.jobs.needs import being_added
from reading_room.jobs.record import apply
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from reading_room.vpc.groups.permissions import Permission
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import NetworkInterface
from tests.worlds.container_needs import admitted, open_group, running
from tests.worlds.preparation import PreparationWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PreparationWorld]:
    """A world whose group allows ingress from its own members."""
    world = PreparationWorld(tmp_path)
    open_group(world, Permission("tcp", 8786, 8788, group=world.group))
    yield world
    world.database.close()


def wish(world: PreparationWorld) -> HostSpec:
    """Return the wish of the host as its agent reads and accepts it."""
    spec = DesiredHosts(
        database=world.database, settings=Settings(), host="local", realtime=lambda _: (), clock=world.clock
    ).read()["local"]
    read = decode(HostSpec, encode(spec))
    check(read, "local", 0)
    return read


def places(world: PreparationWorld) -> list[ClusterPlace]:
    """Return the places in the cluster of the containers that the host should run."""
    found = [each.job.cluster for each in wish(world).containers]
    return [each for each in found if each is not None]


def address_of(world: PreparationWorld, interface_id: str) -> str:
    with world.database.reading() as session:
        return session.get_one(NetworkInterface, interface_id).address


def test_each_container_gets_its_own_address_and_that_of_the_first(world: PreparationWorld) -> None:
    needs = running(world, admitted(world, world.submit(), 3))
    addresses = [address_of(world, str(need.interface_id)) for need in needs]
    members = places(world)
    assert [place.member for place in members] == [0, 1, 2]
    assert [place.address for place in members] == addresses
    assert {place.scheduler for place in members} == {addresses[0]}
    assert {place.containers for place in members} == {3}
    assert len({place.path for place in members}) == 3


def test_no_container_is_on_the_host_before_all_of_them_have_their_interfaces(world: PreparationWorld) -> None:
    needs = admitted(world, world.submit(), 2)
    world.network.prepare(needs[0])
    assert wish(world).containers == ()
    world.network.prepare(needs[1])
    assert wish(world).containers == ()


def test_a_replacement_container_joins_the_same_cluster(world: PreparationWorld) -> None:
    job = world.submit()
    needs = running(world, admitted(world, job, 2))
    with world.database.transaction() as session:
        apply(session, session.get_one(JobRow, job), MemberLost(1, "killed"), world.now)
    assert [place.member for place in places(world)] == [0]
    with world.database.reading() as session:
        (need,) = being_added(session)
    made = world.network.prepare(need)
    with world.database.transaction() as session:
        world.network.attach(session, need, made.interface_id)
        placement = Placement(need.member, made.interface_id, made.vpc_id, made.place, need.host)
        apply(session, session.get_one(JobRow, job), MemberPrepared(placement), world.now)
    members = places(world)
    assert [(place.member, place.containers) for place in members] == [(0, 2), (2, 2)]
    assert members[1].scheduler == address_of(world, str(needs[0].interface_id))


def test_a_member_is_not_on_the_host_without_its_interface_or_without_the_first_s(world: PreparationWorld) -> None:
    needs = running(world, admitted(world, world.submit(), 3))
    with world.database.transaction() as session:
        world.network.detach(session, str(needs[1].interface_id))
    assert [place.member for place in places(world)] == [0, 2]
    with world.database.transaction() as session:
        first = session.get_one(NetworkInterface, str(needs[0].interface_id))
        world.network.detach(session, first.interface_id)
        network_interfaces.remove(session, first, world.now)
    assert wish(world).containers == ()
