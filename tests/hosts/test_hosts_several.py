"""The specs of several hosts, and what waits until hosts have put a spec into force."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.agent.check import check
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.containers.spec import RealtimeSpec
from reading_room.dataplane.spec import Problem
from reading_room.fleet.tables import DRAINING, HostRow
from reading_room.hosts.desired import DesiredHosts
from reading_room.settings import Settings
from reading_room.vpc.addressing import addresses, dhcp_options, subnets
from reading_room.vpc.addressing.errors import AddressInUse, InsufficientFreeAddresses
from reading_room.vpc.errors import DependencyViolation
from reading_room.vpc.gateways import internet_gateways
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import AddressRest, NetworkInterface, Subnet
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds.jobs import in_memory
from tests.worlds.several_hosts import add_host, add_job
from tests.worlds.vpc import ACCOUNT, NOW, REGION

LATER = NOW + dt.timedelta(minutes=5)


class Fleet:
    """A database with hosts, a VPC with a tiny subnet, and the agents of the hosts."""

    def __init__(self, *hosts: str) -> None:
        self.database = in_memory()
        with self.database.transaction() as session:
            options = dhcp_options.default_set(session, ACCOUNT, REGION).dhcp_options_id
            vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options)
            self.vpc_id = vpc.vpc_id
            self.subnet_id = subnets.create(session, vpc, "10.0.0.0/28", zones_of(REGION)[0], NOW).subnet_id
            for number, host in enumerate(hosts, 1):
                add_host(session, host, number)
        self.desired = self.started()
        self.specs: dict[str, HostSpec] = {}

    def started(self) -> DesiredHosts:
        """Return the specs' reader of a new process."""
        one = (RealtimeSpec("rt-0123456789abcdef", ACCOUNT, "entities-en"),)
        return DesiredHosts(
            database=self.database,
            settings=Settings(),
            host="local",
            realtime=lambda host: one if host == "local" else (),
        )

    def job(self, *hosts: str) -> list[str]:
        """Add a job with a container on each of these hosts; return their addresses."""
        with self.database.transaction() as session:
            return add_job(session, secrets.token_hex(16), hosts, session.get_one(Subnet, self.subnet_id))

    def remove(self, address: str) -> None:
        """Delete the interface with an address."""
        with self.database.transaction() as session:
            row = session.scalars(select(NetworkInterface).where(NetworkInterface.address == address)).one()
            network_interfaces.remove(session, row, NOW)

    def read(self) -> dict[str, HostSpec]:
        """Read the specs, and check each as its agent does."""
        self.specs = dict(self.desired.read())
        for host, spec in self.specs.items():
            check(spec, host, 0)
        return self.specs

    def confirm(self, *hosts: str, failed: str = "", refused: str = "") -> bool:
        """Report the newest spec of these hosts; return whether the specs should be read again."""
        problems = (Problem(failed, "its rules were refused"),) if failed else ()
        for host in hosts:
            report = HostReport(host, self.specs[host].generation, problems=problems, refused=refused)
            assert not self.desired.behind(report)
        return self.desired.waits()

    def free(self, address: str) -> bool:
        """Return whether an address can be given to an interface, without giving it."""
        with Session(self.database.engine) as session:
            try:
                addresses.allocate(session, session.get_one(Subnet, self.subnet_id), LATER, address)
            except AddressInUse:
                return False
            return True


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Three hosts."""
    fleet = Fleet("local", "second", "third")
    yield fleet
    fleet.database.close()


def containers(fleet: Fleet) -> dict[str, int]:
    return {host: len(spec.containers) for host, spec in fleet.specs.items()}


def test_each_host_gets_its_own_containers_and_network(fleet: Fleet) -> None:
    here, there = fleet.job("local", "second")
    specs = fleet.read()
    assert containers(fleet) == {"local": 1, "second": 1, "third": 0}
    assert [each.address for each in specs["local"].network.vpcs[0].placements] == [there]
    assert [each.address for each in specs["second"].network.vpcs[0].placements] == [here]
    assert specs["third"].network.vpcs == ()
    (place,) = (each.job.cluster for each in specs["second"].containers)
    assert place is not None
    assert (place.address, place.scheduler) == (there, here)
    assert {host for host, spec in specs.items() if spec.realtime} == {"local"}
    assert {spec.epoch for spec in specs.values()} == {1}
    assert all(spec.standby for spec in specs.values())
    assert {host: spec is specs[host] for host, spec in fleet.desired.read().items()} == dict.fromkeys(specs, True)


def test_a_container_starts_when_every_host_of_its_vpc_knows_its_address(fleet: Fleet) -> None:
    fleet.job("local")
    fleet.read()
    assert containers(fleet)["local"] == 1, "it may run already"
    fleet.job("second")
    assert containers(fleet)["second"] == 0
    fleet.read()
    assert containers(fleet)["second"] == 0
    assert fleet.confirm("second", "third"), "somebody waits"
    fleet.read()
    assert containers(fleet)["second"] == 0
    fleet.confirm("local", failed=fleet.vpc_id)
    fleet.read()
    assert containers(fleet)["second"] == 0, "the host kept the earlier rules of this VPC"
    fleet.confirm("local")
    fleet.read()
    assert containers(fleet)["second"] == 1
    assert not fleet.confirm("local"), "nobody waits any more"
    fleet.desired = fleet.started()
    fleet.read()
    assert containers(fleet) == {"local": 1, "second": 1, "third": 0}, "a new leader holds back nothing that runs"


def test_a_host_in_a_later_epoch_runs_nothing_that_was_placed_there_before(fleet: Fleet) -> None:
    fleet.job("local", "second")
    with fleet.database.transaction() as session:
        session.get_one(HostRow, "second").epoch = 2
    fleet.read()
    assert containers(fleet) == {"local": 1, "second": 0, "third": 0}
    assert fleet.specs["second"].epoch == 2


def test_an_address_is_free_again_when_no_host_has_it(fleet: Fleet) -> None:
    address, _ = fleet.job("local", "second")
    fleet.read()
    fleet.confirm("local", "second", "third")
    fleet.remove(address)
    assert not fleet.free(address)
    fleet.read()
    assert not fleet.free(address)
    fleet.confirm("local")
    fleet.read()
    assert not fleet.free(address)
    fleet.confirm("second", refused="it makes no sense")
    fleet.read()
    assert not fleet.free(address)
    assert fleet.confirm("second")
    fleet.read()
    assert fleet.free(address)


def test_neither_a_lost_host_nor_one_without_the_vpc_keeps_an_address(fleet: Fleet) -> None:
    address, _ = fleet.job("local", "second")
    fleet.read()
    fleet.confirm("local", "second", "third")
    fleet.remove(address)
    with fleet.database.transaction() as session:
        add_host(session, "fourth", 4)  # So that the third one gets a new spec, too, which it does not confirm.
    fleet.read()
    fleet.confirm("local", "fourth")
    fleet.read()
    assert not fleet.free(address)
    with fleet.database.transaction() as session:
        row = session.get_one(HostRow, "second")
        row.lease_until, row.epoch = None, 2
    fleet.read()
    assert fleet.free(address)


def test_a_new_leader_frees_what_the_last_one_could_not(fleet: Fleet) -> None:
    address, _ = fleet.job("local", "second")
    fleet.read()
    earlier = fleet.specs
    fleet.remove(address)
    fleet.desired = fleet.started()
    fleet.read()
    for host, spec in earlier.items():
        fleet.desired.behind(HostReport(host, spec.generation - 1))
    fleet.read()
    assert not fleet.free(address), "these reports are of specs that the earlier leader sent"
    fleet.confirm("local", "second", "third")
    fleet.read()
    assert fleet.free(address)


def test_a_full_subnet_gives_no_held_address_away_and_cannot_be_deleted(fleet: Fleet) -> None:
    first, *rest = [fleet.job("local")[0] for _ in range(11)]
    fleet.read()
    fleet.remove(first)
    with pytest.raises(InsufficientFreeAddresses):
        fleet.job("second")
    fleet.confirm("local", "second", "third")
    for address in rest:
        fleet.remove(address)
    with pytest.raises(DependencyViolation), fleet.database.transaction() as session:
        subnets.delete_subnet(session, ACCOUNT, fleet.subnet_id)
    fleet.read()
    fleet.confirm("local", "second", "third")
    fleet.read()
    with fleet.database.transaction() as session:
        subnets.delete_subnet(session, ACCOUNT, fleet.subnet_id)


def test_the_way_out_moves_from_a_drained_host_when_that_has_let_it_go(fleet: Fleet) -> None:
    with fleet.database.transaction() as session:
        gateway = internet_gateways.create(session, ACCOUNT, NOW).internet_gateway_id
        internet_gateways.attach(session, ACCOUNT, gateway, fleet.vpc_id)
    fleet.job("local", "second")

    def owners() -> dict[str, str | None]:
        return {host: vpc.gateway_host for host, spec in fleet.read().items() for vpc in spec.network.vpcs}

    assert owners() == {"local": None, "second": "local"}
    with fleet.database.transaction() as session:
        session.get_one(HostRow, "local").state = DRAINING
    assert owners() == {"local": "second", "second": "local"}, "neither acts as the owner"
    fleet.confirm("second", "third")
    assert owners() == {"local": "second", "second": "local"}
    assert fleet.confirm("local")
    assert owners() == {"local": "second", "second": None}
    with fleet.database.transaction() as session:
        row = session.get_one(HostRow, "second")
        row.lease_until, row.epoch = None, 2
    fleet.job("third")
    assert owners() == {"local": "third", "third": None}
    assert fleet.specs["second"].network.vpcs == ()


def test_a_single_host_holds_no_address_and_reads_and_writes_nothing_for_others() -> None:
    fleet = Fleet()
    (address,) = fleet.job("local")
    fleet.read()
    statements: list[str] = []
    event.listen(
        fleet.database.engine, "before_cursor_execute", lambda *given: statements.append(str(given[2]).lower())
    )
    fleet.remove(address)
    with fleet.database.reading() as session:
        assert [row.held for row in session.scalars(select(AddressRest))] == [False]
    assert fleet.free(address)
    fleet.read()
    alone = [each for each in statements if "hosts" in each and "address_rests" not in each]
    assert alone == []
    fleet.database.close()
