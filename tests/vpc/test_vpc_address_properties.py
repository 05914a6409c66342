"""Private addresses under any sequence of calls and concurrent calls: no address is allocated twice."""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.database.engine import Database
from reading_room.vpc.addressing import addresses, dhcp_options, subnets
from reading_room.vpc.addressing.errors import InsufficientFreeAddresses
from reading_room.vpc.errors import Ec2Error
from reading_room.vpc.interfaces import network_interfaces, secondary_addresses
from reading_room.vpc.tables import NetworkInterface, SecondaryAddress, Subnet
from reading_room.vpc.vpcs import vpcs
from reading_room.vpc.zones import zones_of
from tests.worlds.budgets import examples
from tests.worlds.vpc import ACCOUNT, NOW, Network, network

SUBNET = "10.0.0.0/28"
OFFSETS = st.integers(0, 17)
"""Some lie outside the subnet of sixteen."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.none() | OFFSETS, st.integers(0, 3)),
        st.tuples(st.just("assign"), st.none() | OFFSETS, st.integers(0, 3)),
        st.tuples(st.just("move"), OFFSETS, st.just(0)),
        st.tuples(st.just("unassign"), OFFSETS, st.just(0)),
        st.tuples(st.just("delete"), st.none(), st.just(0)),
    ),
    max_size=25,
)


def held(session: Session, subnet_id: str) -> list[str]:
    return [
        address
        for table in (NetworkInterface, SecondaryAddress)
        for address in session.scalars(select(table.address).where(table.subnet_id == subnet_id))
    ]


def at(offset: int) -> str:
    return str(ipaddress.IPv4Address("10.0.0.0") + offset)


@given(STEPS)
@examples(40)
def test_no_sequence_of_calls_gives_an_address_twice_or_a_reserved_one(
    steps: list[tuple[str, int | None, int]],
) -> None:
    with network(SUBNET) as world:
        for action, offset, count in steps:
            nested = world.session.begin_nested()
            try:
                _step(world, action, None if offset is None else at(offset), count)
                nested.commit()
            except Ec2Error:
                nested.rollback()
                world.session.expire_all()
            now_held = held(world.session, world.subnet.subnet_id)
            assert len(now_held) == len(set(now_held))
            assert all(ipaddress.IPv4Address(each) in ipaddress.IPv4Network(SUBNET) for each in now_held)
            assert not any(addresses.is_reserved(SUBNET, each) for each in now_held)
            free = addresses.free_counts(world.session, [world.subnet])[world.subnet.subnet_id]
            assert free == 11 - len(now_held)


def _step(world: Network, action: str, address: str | None, count: int) -> None:
    session = world.session
    if action == "create":
        made = network_interfaces.create(session, ACCOUNT, world.subnet, [], NOW, requester_id="me", address=address)
        secondary_addresses.assign(session, made, NOW, count=count)
        return
    interface = session.scalars(select(NetworkInterface).order_by(NetworkInterface.interface_id)).first()
    if interface is None:
        return
    wanted = () if address is None else (address,)
    match action:
        case "assign":
            secondary_addresses.assign(session, interface, NOW, wanted=wanted, count=count)
        case "move":
            secondary_addresses.assign(session, interface, NOW, wanted=wanted, reassign=True)
        case "unassign":
            secondary_addresses.unassign(session, interface, wanted, NOW)
        case _:
            network_interfaces.delete_interface(session, ACCOUNT, interface.interface_id, NOW)


@pytest.mark.costs(0.2, reason="eight threads make forty interfaces")
def test_callers_at_the_same_moment_never_get_an_address_twice(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db.sqlite")
    database.create_tables()
    with database.transaction() as session:
        options = dhcp_options.default_set(session, ACCOUNT, "us-east-1").dhcp_options_id
        vpc = vpcs.create(session, ACCOUNT, "10.0.0.0/16", NOW, dhcp_options_id=options)
        subnet_id = subnets.create(session, vpc, "10.0.0.0/26", zones_of("us-east-1")[0], NOW).subnet_id

    def call(number: int) -> list[str]:
        with database.transaction() as session:
            subnet = session.get_one(Subnet, subnet_id)
            try:
                made = network_interfaces.create(session, ACCOUNT, subnet, [], NOW, requester_id="me")
                further = secondary_addresses.assign(session, made, NOW, count=number % 4)
            except InsufficientFreeAddresses:
                session.rollback()
                return []
            return [made.address, *further]

    with ThreadPoolExecutor(8) as threads:
        given_out = [address for found in threads.map(call, range(40)) for address in found]
    with database.reading() as session:
        assert sorted(held(session, subnet_id)) == sorted(given_out)
    assert len(given_out) == len(set(given_out))
    assert len(given_out) > 50
    database.close()
