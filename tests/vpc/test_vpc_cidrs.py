"""CIDR blocks of VPCs and subnets."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.vpc.addressing import cidrs
from reading_room.vpc.addressing.errors import InvalidSubnetConflict, InvalidSubnetRange
from reading_room.vpc.errors import NotACidrBlock
from reading_room.vpc.vpcs.errors import InvalidVpcRange
from tests.worlds.vpc import network


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_host_bits_are_cleared_and_nothing_else_changes(number: int, length: int) -> None:
    text = f"{ipaddress.IPv4Address(number)}/{length}"
    block = cidrs.canonical("cidrBlock", text)
    assert ipaddress.IPv4Address(number) in ipaddress.IPv4Network(block)
    assert cidrs.prefix_length(block) == length
    assert cidrs.canonical("cidrBlock", block) == block


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0/16", "10.0.0.0/255.0.0.0", "::/0", "10.0.0.0/-1"],
)
def test_an_invalid_block_is_reported_with_its_parameter(text: str) -> None:
    with pytest.raises(NotACidrBlock, match="cidrBlock"):
        cidrs.canonical("cidrBlock", text)


@pytest.mark.parametrize("text", ["10.0.0.0/15", "10.0.0.0/29", "169.254.0.0/16", "127.0.0.0/16", "224.0.0.0/16"])
def test_a_vpc_has_a_usable_block_of_16_to_28_bits(text: str) -> None:
    with network() as world, pytest.raises(InvalidVpcRange):
        world.another_vpc(text)


@given(st.integers(0, 2**16 - 1), st.integers(16, 28), st.integers(0, 2**16 - 1), st.integers(16, 28))
def test_blocks_overlap_exactly_when_one_contains_the_other(one: int, long: int, two: int, short: int) -> None:
    base = int(ipaddress.IPv4Address("10.0.0.0"))
    first = cidrs.canonical("c", f"{ipaddress.IPv4Address(base + one)}/{long}")
    second = cidrs.canonical("c", f"{ipaddress.IPv4Address(base + two)}/{short}")
    assert cidrs.overlap(first, second) == (cidrs.contains(first, second) or cidrs.contains(second, first))


def test_a_subnet_lies_in_its_vpc_and_overlaps_no_other() -> None:
    with network(subnet="10.0.0.0/24") as world:
        with pytest.raises(InvalidSubnetRange):
            world.another_subnet("10.1.0.0/24")
        with pytest.raises(InvalidSubnetRange):
            world.another_subnet("10.0.1.0/29")
        with pytest.raises(InvalidSubnetConflict):
            world.another_subnet("10.0.0.128/25")
        assert world.another_subnet("10.0.1.99/24").cidr == "10.0.1.0/24"
