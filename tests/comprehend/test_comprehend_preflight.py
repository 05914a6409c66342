"""Checking a network for a job before the job exists."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.comprehend.network.preflight import failures
from reading_room.jobs.errors import PreparationError
from reading_room.vpc.groups.permissions import Permission
from reading_room.vpc.tables import Route
from tests.worlds.container_needs import admitted, open_group, prepared
from tests.worlds.preparation import PreparationWorld


def errors_of(world: PreparationWorld, containers: int = 2, *subnets: str) -> list[PreparationError]:
    """Return the failures of a job in the world's group."""
    with world.database.reading() as session:
        return failures(session, subnets or (world.subnet,), (world.group,), containers)


def let_itself_in(world: PreparationWorld) -> None:
    """Add the self rule to the group."""
    open_group(world, Permission("tcp", 8786, 8788, group=world.group))


def test_a_ready_network_has_no_failures_and_nothing_is_created(world: PreparationWorld) -> None:
    let_itself_in(world)
    assert errors_of(world, 16) == []
    assert world.interfaces() == []
    assert world.free(world.subnet) == 0


def test_a_missing_self_rule_is_reported_as_the_job_would_report_it(world: PreparationWorld) -> None:
    (failure,) = errors_of(world)
    assert failure.code == "CONTAINERS_CANNOT_CONNECT"
    assert f"authorize-security-group-ingress --group-id {world.group}" in failure.text
    needs = admitted(world, world.submit(), 2)
    prepared(world, needs)
    with pytest.raises(PreparationError) as real:
        world.network.check_cluster(needs)
    assert real.value.code == failure.code
    assert real.value.text.partition("`")[2] == failure.text.partition("`")[2]


def test_one_container_needs_no_self_rule(world: PreparationWorld) -> None:
    assert errors_of(world, 1) == []


def test_the_route_to_storage_is_checked_for_every_subnet(world: PreparationWorld) -> None:
    let_itself_in(world)
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    world.delete_endpoint()
    found = errors_of(world, 2, world.subnet, other)
    assert [failure.code for failure in found] == ["NO_ROUTE_TO_STORAGE"] * 2
    assert world.subnet in found[0].text
    assert other in found[1].text


def test_several_failures_are_reported_at_once(world: PreparationWorld) -> None:
    world.delete_endpoint()
    assert [failure.code for failure in errors_of(world)] == ["NO_ROUTE_TO_STORAGE", "CONTAINERS_CANNOT_CONNECT"]


def test_a_route_between_subnets_that_leads_elsewhere_is_reported(world: PreparationWorld) -> None:
    let_itself_in(world)
    other = world.make_subnet(world.vpc, "10.0.2.0/24")
    with world.database.transaction() as session:
        session.add(Route(route_table_id=world.main_table(), destination="10.0.2.0/24", target="nat-0123456789abcdef0"))
    (failure,) = errors_of(world, 2, world.subnet, other)
    assert world.main_table() in failure.text


def test_too_few_addresses_are_reported_with_the_numbers(world: PreparationWorld) -> None:
    small = world.make_subnet(world.vpc, "10.0.3.0/28")
    (failure,) = errors_of(world, 6, small)
    assert failure.code == "INSUFFICIENT_IP_ADDRESSES"
    assert "11 free IP addresses together, but 12 are needed for 6 containers" in failure.text


def test_subnets_and_groups_that_do_not_exist_are_named(world: PreparationWorld) -> None:
    (failure,) = errors_of(world, 2, "subnet-0123456789abcdef0")
    assert failure.code == "SUBNET_NOT_FOUND"


@pytest.mark.costs(0.2, reason="the command runs several times, each with the database opened anew")
def test_the_command_reports_failures_and_its_exit_code_is_0_without_any(world: PreparationWorld) -> None:
    def run(*more: str) -> tuple[int, str]:
        folder = str(world.database.engine.url.database).rpartition("/")[0]
        words = ["network", "check-job", "--subnet", world.subnet, "--security-group", world.group, "--data", folder]
        result = CliRunner().invoke(commands.app, [*words, *more])
        return result.exit_code, result.output

    code, printed = run("--containers", "3")
    assert code == 1
    assert printed.startswith("CONTAINERS_CANNOT_CONNECT: The 3 containers of the job cannot reach each other")
    assert f"--source-group {world.group}" in printed
    assert run("--containers", "1")[0] == 0
    let_itself_in(world)
    code, printed = run("--containers", "3")
    assert (code, printed.strip()) == (0, "ok a job of 3 containers reaches S3 from there, and itself")
    assert run("--containers", "17")[0] == 2
