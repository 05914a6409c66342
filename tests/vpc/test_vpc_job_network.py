"""Checking the network that a job names, and choosing its subnet."""

from __future__ import annotations

import pytest

from reading_room.vpc.errors import AuthFailure
from reading_room.vpc.groups import security_groups
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.interfaces.errors import NetworkInterfaceInUse
from reading_room.vpc.interfaces.job_network import (
    JobNetworkError,
    SecurityGroupNotInVpc,
    SubnetsInDifferentVpcs,
    TooFewAddresses,
    UnknownSecurityGroup,
    UnknownSubnet,
    VpcTenancyNotSupported,
)
from reading_room.vpc.interfaces.network_interfaces import choose_subnet, validate_job_network
from tests.worlds.vpc import ACCOUNT, NOW, Network, network

GHOST = "0123456789abcdef0"


def default_group(world: Network) -> str:
    return security_groups.default_of(world.session, world.vpc.vpc_id).group_id


def occupy(world: Network, count: int) -> None:
    for _ in range(count):
        network_interfaces.create(world.session, ACCOUNT, world.subnet, [], NOW, requester_id="me")


def refused(world: Network, subnets: list[str], groups: list[str]) -> JobNetworkError:
    with pytest.raises(JobNetworkError) as caught:
        validate_job_network(world.session, subnets, groups, account=ACCOUNT)
    assert caught.value.identifier in str(caught.value)
    return caught.value


def test_a_valid_network_returns_its_vpc() -> None:
    with network() as world:
        subnets = [world.subnet.subnet_id, world.subnet.subnet_id]
        assert validate_job_network(world.session, subnets, [default_group(world)]) == world.vpc.vpc_id


def test_subnets_and_groups_that_do_not_exist_are_named() -> None:
    with network() as world:
        group = default_group(world)
        assert isinstance(refused(world, [f"subnet-{GHOST}"], [group]), UnknownSubnet)
        assert isinstance(refused(world, [world.subnet.subnet_id], [f"sg-{GHOST}"]), UnknownSecurityGroup)
        with pytest.raises(UnknownSubnet):
            validate_job_network(world.session, [world.subnet.subnet_id], [group], account="999999999999")


def test_subnets_and_groups_must_be_in_one_vpc() -> None:
    with network() as world:
        other = world.another_vpc()
        far = world.another_subnet("10.9.0.0/24", other)
        problem = refused(world, [world.subnet.subnet_id, far.subnet_id], [default_group(world)])
        assert isinstance(problem, SubnetsInDifferentVpcs)
        assert problem.identifier == far.subnet_id
        strange = security_groups.default_of(world.session, other.vpc_id).group_id
        problem = refused(world, [world.subnet.subnet_id], [strange])
        assert isinstance(problem, SecurityGroupNotInVpc)
        assert problem.identifier == strange


def test_a_vpc_of_dedicated_tenancy_runs_no_job() -> None:
    with network() as world:
        dedicated = world.another_vpc(tenancy="dedicated")
        subnet = world.another_subnet("10.9.0.0/24", dedicated)
        group = security_groups.default_of(world.session, dedicated.vpc_id).group_id
        problem = refused(world, [subnet.subnet_id], [group])
        assert isinstance(problem, VpcTenancyNotSupported)
        assert problem.identifier == dedicated.vpc_id


@pytest.mark.parametrize(("used", "enough"), [(9, True), (10, False), (11, False)])
def test_two_free_addresses_in_all_the_subnets_together_suffice(used: int, enough: bool) -> None:
    with network(subnet="10.0.0.0/28") as world:
        occupy(world, used)
        subnets = [world.subnet.subnet_id]
        if enough:
            validate_job_network(world.session, subnets, [default_group(world)])
            assert choose_subnet(world.session, subnets).subnet_id == world.subnet.subnet_id
            return
        assert isinstance(refused(world, subnets, [default_group(world)]), TooFewAddresses)
        with pytest.raises(TooFewAddresses):
            choose_subnet(world.session, subnets)


def test_one_free_address_in_each_of_two_subnets_suffices() -> None:
    with network(subnet="10.0.0.0/28") as world:
        second = world.another_subnet("10.0.0.16/28")
        occupy(world, 10)
        first, world.subnet = world.subnet, second
        occupy(world, 10)
        subnets = [second.subnet_id, first.subnet_id]
        validate_job_network(world.session, subnets, [default_group(world)])
        assert choose_subnet(world.session, subnets).subnet_id == second.subnet_id


def test_the_subnet_with_most_free_addresses_is_chosen_and_of_equals_the_first() -> None:
    with network(subnet="10.0.0.0/28") as world:
        small, large = world.another_subnet("10.0.0.16/28"), world.another_subnet("10.0.1.0/24")
        ids = [small.subnet_id, world.subnet.subnet_id]
        assert choose_subnet(world.session, ids).subnet_id == small.subnet_id
        assert choose_subnet(world.session, [*ids, large.subnet_id]).subnet_id == large.subnet_id


def test_attaching_needs_the_owners_permission_and_is_done_once() -> None:
    with network() as world:
        made = network_interfaces.create(world.session, ACCOUNT, world.subnet, [], NOW, requester_id="me")
        with pytest.raises(AuthFailure):
            network_interfaces.attach(world.session, made.interface_id, "here", "c-1")
        permission = network_interfaces.permit(
            world.session, ACCOUNT, made.interface_id, network_interfaces.SERVICE_ACCOUNT, "INSTANCE-ATTACH"
        )
        first = network_interfaces.attach(world.session, made.interface_id, "here", "c-1", job_arn="arn:job")
        assert (first.status, first.job_arn) == ("in-use", "arn:job")
        attachment = first.attachment_id
        assert network_interfaces.attach(world.session, made.interface_id, "here", "c-1").attachment_id == attachment
        with pytest.raises(NetworkInterfaceInUse):
            network_interfaces.attach(world.session, made.interface_id, "here", "c-2")
        with pytest.raises(NetworkInterfaceInUse):
            network_interfaces.delete_interface(world.session, ACCOUNT, made.interface_id, NOW)
        network_interfaces.revoke_permission(world.session, ACCOUNT, permission.permission_id, force=True)
        assert (made.status, made.container_id) == ("available", None)
        network_interfaces.detach(world.session, made.interface_id)


def test_an_interface_is_found_by_its_address_in_its_own_vpc_only() -> None:
    with network() as world:
        made = network_interfaces.create(world.session, ACCOUNT, world.subnet, [], NOW, requester_id="me")
        assert network_interfaces.by_address(world.session, world.vpc.vpc_id, made.address) is made
        assert network_interfaces.by_address(world.session, world.another_vpc().vpc_id, made.address) is None
