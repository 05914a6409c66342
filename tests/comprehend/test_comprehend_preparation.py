"""Interfaces of jobs: created with the data access role, with failures that name the cause, and never left behind."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from reading_room.agent.spec import HostReport
from reading_room.jobs.credentials import owner_of
from reading_room.jobs.job import StopRequested
from reading_room.jobs.record import apply
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import NetworkInterface
from tests.worlds.preparation import ACCOUNT, NINE, REGION, ROLE, TRUST, Killed, PreparationWorld, actions


def test_a_job_s_interface_is_made_by_the_role_and_belongs_to_the_job(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    (interface,) = world.interfaces()
    assert interface.account == ACCOUNT
    assert interface.requester_id.startswith("AROA")
    assert interface.requester_id.endswith(":Comprehend")
    assert f"entities-detection-job/{job}" in interface.description
    assert interface.subnet_id == world.subnet
    assert interface.status == "in-use"
    (container,) = world.wanted()
    assert (interface.host, interface.container_id) == ("local", container.container_id)
    assert container.interface_id == interface.interface_id
    assert container.vpc_id == world.vpc
    assert f"{world.subnet} at {interface.address}" in world.story(job)


def test_the_nine_actions_are_called_as_the_role(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    world.end()
    called = world.dispatcher.calls
    assert {call.operation for call in called} == set(NINE)
    assert {call.principal.arn for call in called} == {f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/Comprehend"}
    assert world.interfaces() == []


def test_nothing_stays_when_a_job_has_ended(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    world.end()
    assert world.status(job) == "FAILED"
    assert world.interfaces() == []
    assert world.free(world.subnet) == 0
    assert "removed by the service" not in world.story(job)


@pytest.mark.parametrize("missing", NINE)
def test_a_missing_action_is_named_before_an_interface_exists(world: PreparationWorld, missing: str) -> None:
    world.allow(actions([name for name in NINE if name != missing]))
    job = world.submit()
    world.run(job)
    assert world.status(job) == "FAILED"
    message = world.message(job)
    assert message.startswith("NO_PERMISSION_FOR_NETWORK_INTERFACE: ")
    assert f"needs ec2:{missing} " in message
    assert ROLE in message
    assert world.interfaces() == []
    assert "network interface eni-" not in world.story(job)


def test_a_role_limited_to_one_subnet_works_only_there(world: PreparationWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
    kinds = (f"subnet/{world.subnet}", "security-group/*", "network-interface/*")
    confined = {
        "Effect": "Allow",
        "Action": "ec2:CreateNetworkInterface",
        "Resource": [f"{arn}:{kind}" for kind in kinds],
    }
    inside = actions(["DeleteNetworkInterface"]) | {
        "Condition": {"StringEquals": {"ec2:Subnet": f"{arn}:subnet/{world.subnet}"}}
    }
    others = [name for name in NINE if name not in ("CreateNetworkInterface", "DeleteNetworkInterface")]
    world.allow(actions(others), confined, inside)
    here, there = world.submit(), world.submit((other,))
    world.run(here)
    assert world.status(here) == "IN_PROGRESS", world.message(here)
    assert world.status(there) == "FAILED"
    assert "ec2:CreateNetworkInterface" in world.message(there)
    assert f"subnet/{other}" in world.message(there)
    world.end()
    assert world.interfaces() == []
    assert "removed by the service" not in world.story(here)


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        (TRUST | {"Principal": {"Service": "lambda.amazonaws.com"}}, "comprehend.amazonaws.com"),
        (TRUST | {"Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}}, "aws:SourceAccount"),
        (
            TRUST | {"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:topics*/*"}}},
            "aws:SourceArn",
        ),
    ],
)
def test_a_role_that_does_not_trust_the_service_is_not_assumed(
    world: PreparationWorld, statement: dict[str, Any], shown: str
) -> None:
    world.trust(statement)
    job = world.submit()
    world.run(job)
    assert world.message(job).startswith("ROLE_NOT_ASSUMABLE: ")
    assert shown.lower() in world.message(job).lower()
    assert world.interfaces() == []


def test_a_trust_policy_may_name_account_and_jobs(world: PreparationWorld) -> None:
    arn = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/*"
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": arn}}
    world.trust(TRUST | {"Condition": condition})
    job = world.submit()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)


def test_a_role_that_does_not_exist_is_named(world: PreparationWorld) -> None:
    job = world.submit(role=f"arn:aws:iam::{ACCOUNT}:role/Nobody")
    world.run(job)
    assert world.message(job).startswith("ROLE_NOT_ASSUMABLE: ")
    assert "role/Nobody" in world.message(job)


def test_unknown_subnets_and_groups_are_named(world: PreparationWorld) -> None:
    subnet = world.submit(("subnet-0123456789abcdef0",))
    group = world.submit(group_ids=("sg-0123456789abcdef0",))
    world.run(subnet)
    assert world.message(subnet).startswith("SUBNET_NOT_FOUND: ")
    assert "subnet-0123456789abcdef0" in world.message(subnet)
    assert world.message(group).startswith("SECURITY_GROUP_NOT_FOUND: ")
    assert "sg-0123456789abcdef0" in world.message(group)
    assert world.interfaces() == []


def test_subnets_and_groups_in_several_vpcs_fail_the_job(world: PreparationWorld) -> None:
    elsewhere = world.make_vpc("10.1.0.0/16")
    subnet = world.make_subnet(elsewhere, "10.1.1.0/24")
    group = world.make_group(elsewhere, "others")
    apart, foreign = world.submit((world.subnet, subnet)), world.submit(group_ids=(group,))
    world.run(apart)
    assert world.message(apart).startswith("SUBNETS_IN_DIFFERENT_VPCS: ")
    assert subnet in world.message(apart)
    assert world.message(foreign).startswith("SECURITY_GROUP_NOT_IN_VPC: ")
    assert group in world.message(foreign)
    assert world.interfaces() == []


def test_a_vpc_of_dedicated_tenancy_is_not_supported(world: PreparationWorld) -> None:
    vpc = world.make_vpc("10.2.0.0/16", tenancy="dedicated")
    job = world.submit((world.make_subnet(vpc, "10.2.1.0/24"),), (world.make_group(vpc, "jobs"),))
    world.run(job)
    assert world.message(job).startswith("VPC_TENANCY_NOT_SUPPORTED: ")
    assert vpc in world.message(job)


@pytest.mark.parametrize("left", [0, 1])
def test_too_few_addresses_in_all_subnets_together_fail_the_job(world: PreparationWorld, left: int) -> None:
    subnet = world.make_subnet(world.vpc, "10.0.3.0/28")
    world.fill(subnet, left)
    job = world.submit((subnet,))
    world.run(job)
    assert world.message(job).startswith("INSUFFICIENT_IP_ADDRESSES: ")
    assert subnet in world.message(job)
    assert world.interfaces() == []


def test_two_addresses_suffice(world: PreparationWorld) -> None:
    subnet = world.make_subnet(world.vpc, "10.0.3.0/28")
    world.fill(subnet, 2)
    job = world.submit((subnet,))
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)


def test_a_missing_route_names_subnet_and_table_and_what_to_create(world: PreparationWorld) -> None:
    world.delete_endpoint()
    job = world.submit()
    world.run(job)
    message = world.message(job)
    assert message.startswith("NO_ROUTE_TO_STORAGE: ")
    assert world.subnet in message
    assert world.main_table() in message
    assert "create a gateway endpoint" in message
    assert world.interfaces() == []


def test_a_missing_egress_rule_names_the_group(world: PreparationWorld) -> None:
    world.silence_group()
    job = world.submit()
    world.run(job)
    assert world.message(job).startswith("NO_ROUTE_TO_STORAGE: ")
    assert world.group in world.message(job)
    assert "AuthorizeSecurityGroupEgress" in world.message(job)


def test_a_worker_s_failure_to_connect_is_explained_by_what_changed(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    need = world.need(job)
    assert world.network.explain(need) is None
    world.delete_endpoint()
    assert world.main_table() in str(world.network.explain(need))


def test_an_interrupted_preparation_is_continued_with_the_same_interface(world: PreparationWorld) -> None:
    job = world.submit()
    world.controller._starting.admit(None)
    first = world.network.prepare(world.need(job))
    world.restart()
    world.run(job)
    assert [row.interface_id for row in world.interfaces()] == [first.interface_id]
    assert world.wanted()[0].interface_id == first.interface_id


def test_a_stop_between_preparing_and_noting_leaves_no_interface(world: PreparationWorld) -> None:
    job = world.submit()
    world.controller._starting.admit(None)
    world.network.prepare(world.need(job))
    with world.database.transaction() as session:
        apply(session, session.get_one(JobRow, job), StopRequested(), world.now)
    world.restart()
    world.run(job)
    assert world.interfaces() == []
    assert world.status(job) == "STOPPED"


def test_an_interface_without_container_row_is_removed_at_the_first_turn(world: PreparationWorld) -> None:
    job = world.submit()
    world.controller._starting.admit(None)
    world.network.prepare(world.need(job))
    with world.database.transaction() as session:
        session.query(JobContainerRow).delete()
        session.query(JobRow).update({"phase": "failed"})
    world.restart()
    world.controller.turn()
    assert world.interfaces() == []


def test_a_customer_s_own_interface_is_never_taken_for_a_leftover(world: PreparationWorld) -> None:
    with world.database.transaction() as session:
        from reading_room.vpc.tables import Subnet

        subnet = session.get_one(Subnet, world.subnet)
        mine = network_interfaces.create(
            session,
            ACCOUNT,
            subnet,
            [world.group],
            world.now,
            requester_id="AIDAEXAMPLE",
            description="Amazon Comprehend job looks like yours (job-1)",
        ).interface_id
    world.controller.turn()
    with world.database.reading() as session:
        assert session.get(NetworkInterface, mine) is not None


def test_a_role_that_lost_its_rights_cannot_keep_an_interface_alive(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    world.allow(actions(["DescribeVpcs"]))
    world.end()
    assert world.interfaces() == []
    assert world.status(job) == "FAILED"
    assert "was removed by the service instead of the role" in world.story(job)
    assert "ec2:DeleteNetworkInterfacePermission" in world.story(job)


def test_revoking_the_permission_of_an_interface_fails_its_job(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    with world.database.transaction() as session:
        network_interfaces.detach(session, world.interfaces()[0].interface_id)
    assert world.wanted() == ()
    world.run(job)
    world.end()
    assert world.message(job).startswith("NO_PERMISSION_FOR_NETWORK_INTERFACE: eni-")
    assert world.interfaces() == []


def test_a_job_without_vpc_config_runs_in_the_service_s_own_network(world: PreparationWorld) -> None:
    world.allow(actions(["DescribeRegions"]))
    job = world.submit(None, None)
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    (interface,) = world.interfaces()
    assert interface.account != ACCOUNT
    assert world.wanted()[0].vpc_id == interface.vpc_id != world.vpc
    world.end()
    assert world.interfaces() == []
    assert world.status(job) == "FAILED"


def test_credentials_belong_to_the_address_while_the_job_lives(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    (interface,) = world.interfaces()
    with world.database.reading() as session:
        owner = owner_of(session, world.vpc, interface.address)
        assert owner is not None
        assert owner.role_arn == ROLE
        assert owner.job_arn.endswith(f"entities-detection-job/{job}")
        assert owner.path == world.wanted()[0].credentials_path
        assert owner_of(session, world.vpc, "10.0.1.200") is None
        assert owner_of(session, "vpc-0123456789abcdef0", interface.address) is None
    world.end()
    with world.database.reading() as session:
        assert owner_of(session, world.vpc, interface.address) is None


def test_a_lost_container_gets_another_interface(world: PreparationWorld) -> None:
    job = world.submit()
    world.run(job)
    (first,) = world.interfaces()
    world.end(exit_code=137)
    world.run(job)
    (second,) = world.interfaces()
    assert second.interface_id != first.interface_id
    assert world.wanted()[0].job.attempt == 2
    with world.database.reading() as session:
        assert len(session.scalars(select(JobContainerRow)).all()) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, 8))
def test_a_kill_at_any_step_of_preparing_is_healed(world: PreparationWorld, step: int, after: bool) -> None:
    job = world.submit()
    world.dispatcher.kill_at(step, after=after)
    with pytest.raises(Killed):
        world.controller.turn()
    world.restart()
    world.run(job)
    assert world.status(job) == "IN_PROGRESS", world.message(job)
    assert len(world.interfaces()) == len(world.wanted()) == 1
    world.end()
    assert world.interfaces() == []
    assert world.status(job) == "FAILED"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", [1, 2])
def test_a_kill_at_any_step_of_cleaning_up_is_healed(world: PreparationWorld, step: int, after: bool) -> None:
    job = world.submit()
    world.run(job)
    world.dispatcher.kill_at(step, after=after)
    with pytest.raises(Killed):
        world.end()
    world.restart()
    world.controller.report(HostReport("local", 3))
    world.run(job)
    assert world.interfaces() == []
    assert world.status(job) == "FAILED"
    assert world.free(world.subnet) == 0
