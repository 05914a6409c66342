"""Turns of an agent whose host shares VPCs with others: what its lease allows, and what happens when it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reading_room.agent.frames import Lease
from reading_room.agent.lease import FIRST_SECONDS
from reading_room.agent.spec import LEASE, HostSpec
from reading_room.dataplane.spec import HostPlace, Underlay
from tests.worlds.agent import container, document, interface, vpc
from tests.worlds.agent_loop import World

UNDERLAY = Underlay(HostPlace("local", 1, "198.51.100.1"), (HostPlace("other", 2, "198.51.100.2"),), 1500)


def shared(generation: int = 7, epoch: int = 0, **changes: Any) -> HostSpec:
    """Return the spec of a host that shares VPCs with another one."""
    spec = document(generation=generation, epoch=epoch, **changes)
    return replace(spec, network=replace(spec.network, underlay=UNDERLAY))


def grant(world: World, epoch: int, seconds: int = 10) -> None:
    """Answer the newest request for a lease."""
    world.channel.leases.append(Lease(world.channel.asked[-1].renewal, seconds, epoch))


def leased() -> World:
    """Return a host whose container runs in a lease that was asked for just now."""
    world = World()
    world.turn(shared())
    grant(world, 0)
    report = world.turn()
    assert [state.phase for state in report.containers] == ["running"]
    return world


def test_a_single_host_asks_for_no_lease() -> None:
    world = World(document())
    world.turn()
    world.seconds += 100
    world.turn()
    assert world.channel.asked == []
    assert world.calls == ["reserve", "start"]


def test_a_host_that_shares_vpcs_starts_nothing_before_it_has_a_lease() -> None:
    world = World()
    report = world.turn(shared(epoch=1))
    assert (world.calls, report.problems[0].about) == ([], LEASE)
    # It learns its epoch, and that of the lease that it then asks for.
    grant(world, 1, seconds=0)
    world.turn()
    assert (world.channel.asked[-1].epoch, world.channel.asked[-1].held) == (1, False)
    grant(world, 2)
    assert world.turn(shared(8, epoch=2)).problems == ()
    assert world.calls == ["end jobs", "reserve", "start"]
    assert world.network.lease == 10


def test_packets_pass_for_what_is_left_since_the_request_was_sent() -> None:
    world = leased()
    world.seconds += 2
    world.turn()
    world.seconds += 3
    grant(world, 0)
    world.turn()
    assert world.network.lease == 7


def test_without_renewals_the_containers_end_before_the_lease_does() -> None:
    world = leased()
    began = world.seconds
    while "end jobs" not in world.calls:
        world.seconds += world.loop.seconds_to_next_turn()
        report = world.turn()
    assert began + 7 < world.seconds < began + 10
    assert world.network.lease == 0
    assert [state.phase for state in report.containers] == ["lost"]
    assert [problem.about for problem in report.problems] == [LEASE]


def test_a_host_that_was_frozen_ends_its_containers_before_it_does_anything_else() -> None:
    """Even before the spec that waits for it, and before an answer that was sent before it was frozen."""
    world = leased()
    world.seconds += 2
    world.turn()
    grant(world, 0)
    world.seconds += 3600
    spec, seen = world.channel.spec, list[str]()

    def read() -> tuple[HostSpec | None, str]:
        seen.extend(state.phase for state in world.containers.states())
        return spec()

    world.channel.spec = read  # type: ignore[method-assign]
    world.turn(shared(generation=8, epoch=1))
    assert seen == ["lost"]


def test_containers_of_an_earlier_lease_do_not_run_in_the_next_one() -> None:
    world = leased()
    world.seconds += 60
    world.turn()
    assert not world.channel.asked[-1].held
    grant(world, 1)
    # The spec is still the one of epoch 0.
    assert [state.phase for state in world.turn().containers] == ["lost"]
    assert world.network.lease == 0
    spec = shared(8, 1, vpcs=(vpc((interface(1),)),), containers=(container(1),))
    assert [(each.container_id, each.phase) for each in world.turn(spec).containers] == [
        (container(1).container_id, "running")
    ]
    assert world.network.lease == 10


@pytest.mark.parametrize("answer", [Lease(0, 0, 1), Lease(0, 10, 1)], ids=["refused", "of another epoch"])
def test_a_host_that_hears_that_its_lease_is_over_ends_its_containers_at_once(answer: Lease) -> None:
    """It may have been paused in a way that no clock of its own shows."""
    world = leased()
    world.seconds += 2
    world.turn()
    world.channel.leases.append(replace(answer, renewal=world.channel.asked[-1].renewal))
    assert [state.phase for state in world.turn().containers] == ["lost"]
    assert world.network.lease == 0


def test_jobs_that_ran_before_the_second_host_joined_go_on() -> None:
    world = World()
    world.turn(document())
    world.turn(shared(8, epoch=0))
    assert world.network.lease == 0
    grant(world, 0)
    world.seconds += FIRST_SECONDS / 2
    assert [state.phase for state in world.turn().containers] == ["running"]
    assert world.network.lease == 5
    # When the other host leaves, they need no lease any more.
    world.turn(document(generation=9))
    world.seconds += 100
    assert [state.phase for state in world.turn().containers] == ["running"]
