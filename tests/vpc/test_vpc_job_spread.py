"""The subnets of the interfaces of a job with several containers, and the free addresses that they need."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.vpc.addressing.addresses import allocate, next_free
from reading_room.vpc.groups import security_groups
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.interfaces.job_network import TooFewAddresses, choose_subnets, next_subnet, spread
from reading_room.vpc.interfaces.network_interfaces import choose_subnet, validate_job_network
from reading_room.vpc.tables import Subnet
from tests.worlds.vpc import ACCOUNT, NOW, Network, network

free_counts = st.dictionaries(st.from_regex(r"subnet-[0-9a-f]{4}", fullmatch=True), st.integers(0, 40), min_size=1)


def occupy(world: Network, subnet: Subnet, leave: int) -> None:
    """Allocate all addresses of a subnet except some."""
    for _ in range(11 - leave):
        network_interfaces.create(world.session, ACCOUNT, subnet, [], NOW, requester_id="me")


def default_group(world: Network) -> str:
    """Return the VPC's default group."""
    return security_groups.default_of(world.session, world.vpc.vpc_id).group_id


@given(free_counts, st.integers(1, 16))
def test_no_subnet_gets_more_interfaces_than_it_has_free_addresses(free: dict[str, int], containers: int) -> None:
    if sum(free.values()) < containers:
        with pytest.raises(TooFewAddresses):
            spread(free, containers)
        return
    counts = Counter(spread(free, containers))
    assert counts.total() == containers
    assert all(counts[subnet] <= free[subnet] for subnet in free)


@given(free_counts, st.integers(1, 16))
def test_interfaces_are_spread_as_evenly_as_the_free_addresses_allow(free: dict[str, int], containers: int) -> None:
    if sum(free.values()) < containers:
        return
    counts = Counter(spread(free, containers))
    most = max(counts.values())
    for subnet in free:
        # A subnet with two fewer than another had no address left.
        assert counts[subnet] >= most - 1 or counts[subnet] == free[subnet]


@given(free_counts, st.integers(1, 16))
def test_the_same_subnets_give_the_same_places_one_by_one_or_together(free: dict[str, int], containers: int) -> None:
    if sum(free.values()) < containers:
        return
    planned = spread(free, containers)
    assert planned == spread(dict(free), containers)
    left, made = Counter(free), Counter[str]()
    for subnet in planned:
        assert next_subnet({each: left[each] for each in free}, made) == subnet
        left[subnet] -= 1
        made[subnet] += 1


def test_the_subnet_with_more_free_addresses_comes_first_and_of_equals_the_one_named_first() -> None:
    assert spread({"a": 5, "b": 9, "c": 9}, 4) == ("b", "c", "a", "b")
    assert spread({"a": 1, "b": 2}, 3) == ("b", "a", "b")
    assert spread({"a": 3, "b": 3}, 1) == ("a",)


def test_a_replacement_goes_to_the_subnet_with_the_fewest_containers() -> None:
    assert next_subnet({"a": 200, "b": 3}, {"a": 1}) == "b"
    assert next_subnet({"a": 200, "b": 0}, {"a": 1}) == "a"


@pytest.mark.parametrize(("containers", "left", "enough"), [(2, 4, True), (2, 3, False), (5, 10, True), (5, 9, False)])
def test_a_job_needs_two_free_addresses_for_each_container(containers: int, left: int, enough: bool) -> None:
    with network(subnet="10.0.0.0/28") as world:
        occupy(world, world.subnet, left)
        subnets, groups = [world.subnet.subnet_id], [default_group(world)]
        if enough:
            validate_job_network(world.session, subnets, groups, containers=containers)
            return
        with pytest.raises(TooFewAddresses) as caught:
            validate_job_network(world.session, subnets, groups, containers=containers)
        text = str(caught.value)
        assert f"have {left} free IP addresses" in text
        assert f"{2 * containers} are needed for {containers} containers" in text
        assert "reading-room:containers" in text


def test_too_few_addresses_are_reported_with_the_number_in_each_subnet() -> None:
    with network(subnet="10.0.0.0/28") as world:
        second = world.another_subnet("10.0.0.16/28")
        occupy(world, world.subnet, 2)
        occupy(world, second, 1)
        subnets = [world.subnet.subnet_id, second.subnet_id]
        with pytest.raises(TooFewAddresses) as caught:
            validate_job_network(world.session, subnets, [default_group(world)], containers=2)
        assert f"The subnets {', '.join(subnets)} have 3 free IP addresses together (2, 1)" in str(caught.value)


def test_interfaces_that_a_job_already_has_count_towards_its_need() -> None:
    with network(subnet="10.0.0.0/28") as world:
        occupy(world, world.subnet, 3)
        subnets, groups = [world.subnet.subnet_id], [default_group(world)]
        validate_job_network(world.session, subnets, groups, containers=2, made=1)
        assert choose_subnet(world.session, subnets, containers=2, made=1).subnet_id == world.subnet.subnet_id
        with pytest.raises(TooFewAddresses):
            choose_subnet(world.session, subnets, containers=2)


def test_the_next_interface_shares_a_subnet_only_if_no_other_has_room() -> None:
    with network(subnet="10.0.0.0/28") as world:
        large = world.another_subnet("10.0.1.0/24")
        ids = [world.subnet.subnet_id, large.subnet_id]
        assert choose_subnet(world.session, ids, containers=2).subnet_id == large.subnet_id
        others = {large.subnet_id: 1}
        assert choose_subnet(world.session, ids, containers=2, made=1, others=others).subnet_id == ids[0]
        assert [row.subnet_id for row in choose_subnets(world.session, ids, 3)] == [ids[1], ids[0], ids[1]]
        occupy(world, world.subnet, 0)
        assert choose_subnet(world.session, ids, containers=2, made=1, others=others).subnet_id == large.subnet_id


def test_next_free_returns_the_addresses_that_are_allocated_next() -> None:
    with network(subnet="10.0.0.0/28") as world:
        occupy(world, world.subnet, 3)
        seen = next_free(world.session, world.subnet, 2)
        assert len(seen) == 2
        assert allocate(world.session, world.subnet, NOW) == seen[0]
        assert len(next_free(world.session, world.subnet, 9)) == 3
