"""Whether the containers of one job can reach each other, checked before they start, with the missing rule."""

from __future__ import annotations

import re
import shlex
from collections import Counter

import pytest
from sqlalchemy import delete, select

from reading_room.analysis.job_file import CLUSTER_PORTS, SCHEDULER_PORT, WORKER_PORT
from reading_room.comprehend.network import cluster_reachability
from reading_room.comprehend.network.job_interfaces import interfaces_of
from reading_room.dataplane.rules.semantics import TCP, Packet, decide
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.job import MemberLost
from reading_room.jobs.needs import being_added
from reading_room.jobs.ports import NetworkNeed
from reading_room.jobs.record import apply
from reading_room.jobs.tables import JobContainerRow, JobRow
from reading_room.vpc import network_spec
from reading_room.vpc.addressing import prefix_lists
from reading_room.vpc.groups.permissions import Permission
from reading_room.vpc.interfaces import network_interfaces
from reading_room.vpc.tables import NetworkInterface, Route, SecurityGroup, SecurityGroupRule
from reading_room.vpc.vpcs import service_network
from tests.worlds.container_needs import admitted, open_group, prepared, running
from tests.worlds.preparation import NINE, PreparationWorld, actions


def self_rule(world: PreparationWorld, first: int = 8786, last: int = 8788) -> Permission:
    """Return a rule for traffic between the members of the group."""
    return Permission("tcp", first, last, group=world.group)


def only_storage(world: PreparationWorld) -> None:
    """Allow only egress to S3."""
    world.silence_group()
    open_group(world, Permission("tcp", 443, 443, prefix_list_id=prefix_lists.S3_PREFIX_LIST_ID), egress=True)


def refusal(world: PreparationWorld, needs: list[NetworkNeed]) -> str:
    """Return why the containers cannot reach each other, or an empty text if they can."""
    try:
        world.network.check_cluster(needs)
    except PreparationError as error:
        return str(error).removeprefix("CONTAINERS_CANNOT_CONNECT: ")
    return ""


def run(world: PreparationWorld, text: str) -> None:
    """Run the commands of a message."""
    for line in re.findall(r"`([^`]*)`", text):
        words = shlex.split(line)
        assert words[:2] == ["aws", "ec2"]
        given = dict(zip(words[3::2], words[4::2], strict=True))
        assert given["--group-id"] == world.group
        if words[2] == "authorize-security-group-ingress":
            assert (given["--protocol"], given["--source-group"]) == ("tcp", world.group)
            first, last = map(int, given["--port"].split("-"))
            open_group(world, self_rule(world, first, last))
        else:
            assert words[2] == "authorize-security-group-egress"
            shape = r"IpProtocol=tcp,FromPort=(\d+),ToPort=(\d+),UserIdGroupPairs=\[\{GroupId=(sg-\w+)\}\]"
            found = re.fullmatch(shape, given["--ip-permissions"])
            assert found is not None
            assert found[3] == world.group
            open_group(world, self_rule(world, int(found[1]), int(found[2])), egress=True)


def test_the_interfaces_of_a_job_s_containers_alternate_between_the_subnets(world: PreparationWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    needs = admitted(world, world.submit((world.subnet, other)), 5)
    made = prepared(world, needs)
    assert len({each.interface_id for each in made}) == 5
    assert Counter(row.subnet_id for row in world.interfaces()) == {world.subnet: 3, other: 2}
    with world.database.reading() as session:
        for need in needs:
            (row,) = interfaces_of(session, need)
            (group,) = network_interfaces.groups_of(session, [row.interface_id])[row.interface_id]
            assert group.group_id == world.group
            assert need.container_id in row.description
    # A second call, as after a crash, creates nothing more.
    assert prepared(world, needs) == made
    assert len(world.interfaces()) == 5


def test_too_few_addresses_fail_the_job_before_the_first_interface_exists(
    world: PreparationWorld,
) -> None:
    subnet = world.make_subnet(world.vpc, "10.0.3.0/28")
    world.fill(subnet, 5)
    needs = admitted(world, world.submit((subnet,)), 3)
    with pytest.raises(PreparationError) as caught:
        world.network.prepare(needs[0])
    assert caught.value.code == "INSUFFICIENT_IP_ADDRESSES"
    assert "have 5 free IP addresses together, but 6 are needed for 3 containers" in caught.value.text
    assert world.interfaces() == []


def test_exactly_enough_addresses_are_enough(world: PreparationWorld) -> None:
    subnet = world.make_subnet(world.vpc, "10.0.3.0/28")
    world.fill(subnet, 6)
    assert len(prepared(world, admitted(world, world.submit((subnet,)), 3))) == 3


def test_a_replacement_container_needs_two_addresses_and_no_more(world: PreparationWorld) -> None:
    open_group(world, self_rule(world))
    subnet = world.make_subnet(world.vpc, "10.0.3.0/28")
    needs = running(world, admitted(world, world.submit((subnet,)), 4))
    world.fill(subnet, 2)
    with world.database.transaction() as session:
        job = session.get_one(JobRow, needs[0].job_id)
        apply(session, job, MemberLost(3, "it was killed"), world.now)
    with world.database.reading() as session:
        (added,) = being_added(session)
    assert (added.member, added.containers) == (4, 4)
    assert world.network.prepare(added).place.startswith(subnet)


def test_without_the_self_rule_the_group_and_the_rule_to_add_are_named(world: PreparationWorld) -> None:
    needs = admitted(world, world.submit(), 2)
    prepared(world, needs)
    text = refusal(world, needs)
    assert text.startswith("The 2 containers of the job cannot reach each other")
    assert f"no ingress rule of {world.group} (eni-" in text
    assert "allows TCP 8786 from 10.0.1." in text
    expected = (
        f"`aws ec2 authorize-security-group-ingress --group-id {world.group} --protocol tcp --port 8786-8788 "
        f"--source-group {world.group}`"
    )
    assert expected in text
    assert text.count("`") == 2
    assert f"all traffic of {world.group} with itself" in text
    run(world, text)
    assert refusal(world, needs) == ""


def test_interfaces_of_containers_that_cannot_connect_are_removed(world: PreparationWorld) -> None:
    needs = admitted(world, world.submit(), 3)
    prepared(world, needs)
    assert refusal(world, needs)
    for need in needs:
        assert world.network.release(need) == ()
    assert world.interfaces() == []


@pytest.mark.parametrize("rule", [("tcp", 8786, 8788), ("tcp", 0, 65535), ("-1", None, None)])
def test_a_self_rule_for_everything_or_for_the_ports_is_enough(
    world: PreparationWorld, rule: tuple[str, int | None, int | None]
) -> None:
    only_storage(world)
    for egress in (False, True):
        open_group(world, Permission(*rule, group=world.group), egress=egress)
    needs = admitted(world, world.submit(), 3)
    prepared(world, needs)
    assert refusal(world, needs) == ""


def test_a_group_closed_in_both_directions_gets_both_commands_at_once(world: PreparationWorld) -> None:
    only_storage(world)
    needs = admitted(world, world.submit(), 2)
    prepared(world, needs)
    text = refusal(world, needs)
    assert f"no egress rule of {world.group}" in text
    assert "authorize-security-group-egress" in text
    assert "authorize-security-group-ingress" in text
    run(world, text)
    assert refusal(world, needs) == ""


def test_a_rule_for_the_scheduler_only_is_not_enough(world: PreparationWorld) -> None:
    open_group(world, self_rule(world, 8786, 8786))
    needs = admitted(world, world.submit(), 2)
    prepared(world, needs)
    text = refusal(world, needs)
    assert "allows TCP 8787" in text
    run(world, text)
    assert refusal(world, needs) == ""


def test_a_rule_for_one_subnet_leaves_containers_of_the_other_out(world: PreparationWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    open_group(world, Permission("tcp", 8786, 8788, cidr_ipv4="10.0.1.0/24"))
    needs = admitted(world, world.submit((world.subnet, other)), 2)
    prepared(world, needs)
    text = refusal(world, needs)
    assert "from 10.0.2." in text
    run(world, text)
    assert refusal(world, needs) == ""


def test_a_rule_for_another_group_is_not_a_self_rule(world: PreparationWorld) -> None:
    other = world.make_group(world.vpc, "others")
    open_group(world, Permission("tcp", 8786, 8788, group=other))
    needs = admitted(world, world.submit(), 2)
    prepared(world, needs)
    assert f"no ingress rule of {world.group}" in refusal(world, needs)
    both = admitted(world, world.submit(group_ids=(world.group, other)), 2)
    prepared(world, both)
    assert refusal(world, both) == ""


def test_a_route_that_leads_elsewhere_is_named_in_addition_to_the_rule(world: PreparationWorld) -> None:
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    with world.database.transaction() as session:
        session.add(Route(route_table_id=world.main_table(), destination="10.0.2.0/24", target="nat-0123456789abcdef0"))
    needs = admitted(world, world.submit((world.subnet, other)), 2)
    prepared(world, needs)
    text = refusal(world, needs)
    assert world.main_table() in text
    open_group(world, self_rule(world))
    text = refusal(world, needs)
    assert world.main_table() in text
    assert "`" not in text


def test_one_container_needs_no_self_rule_for_itself(world: PreparationWorld) -> None:
    needs = admitted(world, world.submit(), 1)
    prepared(world, needs)
    assert refusal(world, needs) == ""


def test_a_running_job_s_containers_are_explained_by_what_changed(world: PreparationWorld) -> None:
    open_group(world, self_rule(world))
    needs = running(world, admitted(world, world.submit(), 3))
    assert [world.network.explain_cluster(need) for need in needs] == [None, None, None]
    with world.database.transaction() as session:
        session.execute(delete(SecurityGroupRule).where(SecurityGroupRule.referenced_group_id == world.group))
    explained = world.network.explain_cluster(needs[1])
    assert explained is not None
    assert "authorize-security-group-ingress" in explained
    run(world, explained)
    assert world.network.explain_cluster(needs[1]) is None
    with world.database.transaction() as session:
        network_interfaces.detach(session, str(needs[2].interface_id))
    assert str(needs[2].interface_id) in str(world.network.explain_cluster(needs[2]))


def test_a_container_whose_interface_is_gone_is_not_explained_by_rules(world: PreparationWorld) -> None:
    needs = running(world, admitted(world, world.submit(), 2))
    world.network.release(needs[1])
    assert world.network.explain_cluster(needs[1]) is None


def test_the_role_s_nine_actions_suffice_for_several_containers(world: PreparationWorld) -> None:
    world.allow(actions(NINE))
    open_group(world, self_rule(world))
    needs = running(world, admitted(world, world.submit(), 3))
    assert all(world.network.release(need) == () for need in needs)
    assert world.interfaces() == []


# The service's own network


def reaches(world: PreparationWorld, one: NetworkNeed, other: NetworkNeed, port: int) -> bool:
    """Return whether a container could connect to another."""
    with world.database.reading() as session:
        spec = network_spec.read(session)
        (sender,), (receiver,) = interfaces_of(session, one), interfaces_of(session, other)
    return decide(spec, Packet(sender.vpc_id, sender.interface_id, receiver.address, TCP, port)).delivered


def test_in_the_service_s_own_network_containers_reach_their_own_job_and_no_other(world: PreparationWorld) -> None:
    mine, yours = (admitted(world, world.submit(None, None), 2) for _ in range(2))
    prepared(world, [*mine, *yours])
    assert refusal(world, mine) == ""
    for port in (8786, 8787, 8788):
        assert reaches(world, mine[0], mine[1], port)
        assert reaches(world, mine[1], mine[0], port)
        assert not reaches(world, mine[0], yours[0], port)
    assert not reaches(world, mine[0], mine[1], 22)


def test_in_the_service_s_own_network_one_container_has_the_common_group_alone(world: PreparationWorld) -> None:
    alone, several = admitted(world, world.submit(None, None), 1), admitted(world, world.submit(None, None), 2)
    prepared(world, [*alone, *several])
    assert not reaches(world, several[0], alone[0], 8786)
    assert not reaches(world, alone[0], several[0], 8786)


def test_the_group_of_a_job_is_deleted_with_its_last_interface(world: PreparationWorld) -> None:
    def groups() -> set[str]:
        with world.database.reading() as session:
            query = select(SecurityGroup.name).where(SecurityGroup.account == service_network.OWNER)
            return set(session.scalars(query))

    before = groups()
    needs = admitted(world, world.submit(None, None), 3)
    prepared(world, needs)
    assert groups() == before | {f"job {needs[0].job_id}"}
    for need in needs[:2]:
        world.network.release(need)
    assert len(groups()) == len(before) + 1
    world.network.release(needs[2])
    assert groups() == before
    assert world.interfaces() == []


def test_removing_leftovers_of_the_service_s_own_network_removes_their_group(world: PreparationWorld) -> None:
    needs = admitted(world, world.submit(None, None), 2)
    prepared(world, needs)
    with world.database.transaction() as session:
        session.execute(delete(JobContainerRow))
    world.network.remove_leftovers()
    with world.database.reading() as session:
        named = select(SecurityGroup).where(SecurityGroup.name == f"job {needs[0].job_id}")
        assert session.scalar(named) is None
        assert session.scalars(select(NetworkInterface)).all() == []


def test_the_ports_are_those_that_the_containers_listen_at() -> None:
    assert CLUSTER_PORTS[0] <= SCHEDULER_PORT < WORKER_PORT <= CLUSTER_PORTS[1]


def test_commands_are_those_of_the_aws_command_line() -> None:
    assert cluster_reachability.command("sg-1", "ingress").startswith(
        "aws ec2 authorize-security-group-ingress --group-id sg-1"
    )
    assert "'IpProtocol=tcp,FromPort=8786,ToPort=8788," in cluster_reachability.command("sg-1", "egress")
