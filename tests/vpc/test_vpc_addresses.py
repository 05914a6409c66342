"""Private addresses: which are allocated, in which order, and how long they rest."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from reading_room.vpc.addressing import addresses
from reading_room.vpc.addressing.errors import (
    AddressInUse,
    AddressOutsideSubnet,
    AddressReserved,
    InsufficientFreeAddresses,
)
from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import AddressRest, NetworkInterface, SecondaryAddress
from tests.worlds.vpc import NOW, Network, network


def make(world: Network, address: str | None = None, now: dt.datetime = NOW) -> NetworkInterface:
    return network_interfaces.create(
        world.session, world.account, world.subnet, [], now, requester_id="me", address=address
    )


@given(prefix=st.integers(24, 28))
@settings(max_examples=5, deadline=None)
def test_a_subnet_allocates_all_but_five_addresses_and_each_once(prefix: int) -> None:
    with network(subnet=f"10.0.0.0/{prefix}") as world:
        block = ipaddress.IPv4Network(world.subnet.cidr)
        given_out = [make(world).address for _ in range(addresses.capacity(world.subnet.cidr))]
        assert len(given_out) == len(set(given_out)) == block.num_addresses - 5
        assert {str(block[index]) for index in (0, 1, 2, 3, -1)}.isdisjoint(given_out)
        assert addresses.free_counts(world.session, [world.subnet]) == {world.subnet.subnet_id: 0}
        with pytest.raises(InsufficientFreeAddresses, match=world.subnet.subnet_id):
            make(world)


def test_a_released_address_rests_a_minute_while_others_are_free() -> None:
    with network() as world:
        first = make(world)
        address = first.address
        network_interfaces.delete_interface(world.session, world.account, first.interface_id, NOW)
        assert make(world, now=NOW + dt.timedelta(seconds=59)).address != address
        assert make(world, now=NOW + dt.timedelta(seconds=60)).address == address


def test_a_full_subnet_allocates_the_address_that_has_rested_longest() -> None:
    with network(subnet="10.0.0.0/28") as world:
        made = [make(world) for _ in range(11)]
        for seconds, interface in enumerate((made[5], made[2])):
            moment = NOW + dt.timedelta(seconds=seconds)
            network_interfaces.delete_interface(world.session, world.account, interface.interface_id, moment)
        moment = NOW + dt.timedelta(seconds=2)
        assert make(world, now=moment).address == "10.0.0.9"
        assert make(world, now=moment).address == "10.0.0.6"


def test_an_address_that_no_kernel_remembers_can_be_allocated_at_once() -> None:
    with network() as world:
        first = make(world)
        network_interfaces.delete_interface(world.session, world.account, first.interface_id, NOW)
        network_interfaces.mark_released(world.session, world.subnet.vpc_id, first.address)
        assert make(world).address == first.address


def test_a_chosen_address_must_be_free_and_in_the_subnet_and_not_reserved() -> None:
    with network() as world:
        assert make(world, "10.0.0.77").address == "10.0.0.77"
        with pytest.raises(AddressInUse):
            make(world, "10.0.0.77")
        with pytest.raises(AddressOutsideSubnet):
            make(world, "10.0.1.4")
        for reserved in ("10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.255"):
            with pytest.raises(AddressReserved):
                make(world, reserved)
        with pytest.raises(InvalidParameterValue):
            make(world, "ten")


@pytest.mark.costs(3.5, reason="sixty subnets of up to a thousand addresses are filled")
@given(
    cidr=st.sampled_from(["10.0.4.0/22", "10.0.254.0/23", "10.0.7.0/24", "10.0.7.64/26"]),
    full=st.integers(0, 1100),
    taken=st.sets(st.integers(0, 1100), max_size=5),
    resting=st.dictionaries(st.integers(0, 1100), st.integers(0, 120), max_size=5),
    edges=st.dictionaries(st.sampled_from([0, 251, 252, 253, 507, 508, 763, 764, 1017]), st.integers(0, 120)),
)
@settings(max_examples=60, deadline=None)
def test_the_lowest_free_address_that_is_not_resting_is_allocated(
    cidr: str, full: int, taken: set[int], resting: dict[int, int], edges: dict[int, int]
) -> None:
    *usable, last = [str(each) for each in ipaddress.IPv4Network(cidr)][4:-1]
    rests = {usable[place]: seconds for place, seconds in (resting | edges).items() if place < len(usable)}
    held = {each for place, each in enumerate(usable) if (place < full or place in taken) and each not in rests}
    with network(subnet=cidr) as world:
        owner = make(world, last).interface_id
        known = {"vpc_id": world.subnet.vpc_id, "subnet_id": world.subnet.subnet_id}
        released = {each: NOW - dt.timedelta(seconds=seconds) for each, seconds in rests.items()}
        for table, rows in (
            (SecondaryAddress, [known | {"address": each, "interface_id": owner} for each in held]),
            (AddressRest, [known | {"address": each, "released_at": since} for each, since in released.items()]),
        ):
            if rows:
                world.session.execute(insert(table), rows)
        free = [each for each in usable if each not in held]
        rested = [each for each in free if rests.get(each, 60) >= 60]
        if not free:
            with pytest.raises(InsufficientFreeAddresses):
                addresses.allocate(world.session, world.subnet, NOW)
        else:
            expected = rested[0] if rested else min(free, key=lambda each: (released[each], each))
            assert addresses.allocate(world.session, world.subnet, NOW) == expected


@pytest.mark.costs(1, reason="five hundred interfaces are made")
def test_a_large_subnet_allocates_the_longest_rested_address_if_no_other_is_free() -> None:
    with network(subnet="10.0.4.0/23") as world:
        made = [make(world) for _ in range(addresses.capacity("10.0.4.0/23"))]
        for seconds, place in enumerate((400, 3)):
            moment = NOW + dt.timedelta(seconds=seconds)
            network_interfaces.delete_interface(world.session, world.account, made[place].interface_id, moment)
        assert make(world, now=NOW + dt.timedelta(seconds=2)).address == "10.0.5.148"
        assert make(world, now=NOW + dt.timedelta(seconds=2)).address == "10.0.4.7"
        with pytest.raises(InsufficientFreeAddresses):
            make(world)
