"""Private addresses: which are given out, in what order, and how long they rest."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpc_world import NOW, Network, network

from reading_room.vpc import addresses, network_interfaces
from reading_room.vpc.errors import InvalidParameterValue
from reading_room.vpc.interface_errors import (
    AddressInUse,
    AddressOutsideSubnet,
    AddressReserved,
    InsufficientFreeAddresses,
)
from reading_room.vpc.tables import NetworkInterface


def make(world: Network, address: str | None = None, now: dt.datetime = NOW) -> NetworkInterface:
    return network_interfaces.create(
        world.session, world.account, world.subnet, [], now, requester_id="me", address=address
    )


@given(prefix=st.integers(24, 28))
@settings(max_examples=5, deadline=None)
def test_a_subnet_gives_out_all_but_five_addresses_and_each_once(prefix: int) -> None:
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


def test_a_full_subnet_gives_out_the_address_that_has_rested_longest() -> None:
    with network(subnet="10.0.0.0/28") as world:
        made = [make(world) for _ in range(11)]
        for seconds, interface in enumerate((made[5], made[2])):
            moment = NOW + dt.timedelta(seconds=seconds)
            network_interfaces.delete_interface(world.session, world.account, interface.interface_id, moment)
        moment = NOW + dt.timedelta(seconds=2)
        assert make(world, now=moment).address == "10.0.0.9"
        assert make(world, now=moment).address == "10.0.0.6"


def test_an_address_that_no_kernel_remembers_is_given_out_at_once() -> None:
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
