"""Turns of the agent, with drivers in memory: what happens, and in which order."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reading_room.agent.capacity import read_capacity
from reading_room.agent.loop import HEARTBEAT_SECONDS, Waker
from reading_room.agent.main import take_turn
from reading_room.agent.shortages import LEAST_ROOM, LOOK_SECONDS, REMEMBERED_SECONDS, Shortages
from reading_room.agent.spec import Capacity, ContainerTimes, HostReport, StandbyCount
from reading_room.agent.traced import TracedContainers
from reading_room.containers.errors import ContainerError
from reading_room.containers.memory import MemoryContainerDriver, Outcome
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec
from reading_room.dataplane.spec import (
    FlowEvent,
    NetworkReport,
    NetworkSpec,
    Problem,
)
from tests.worlds.agent import container, document, interface, job, vpc
from tests.worlds.agent_loop import World
from tests.worlds.waiting import DEADLINE
from tests.worlds.work import calls


def test_without_a_spec_nothing_happens() -> None:
    world = World()
    assert world.loop.turn() is None
    assert world.channel.sent == []


def test_a_job_starts_once_its_interface_is_in_place_and_its_end_is_reported() -> None:
    world = World()
    report = world.turn(document())
    assert report.interfaces == ("eni-00",)
    assert [state.phase for state in report.containers] == ["running"]
    assert world.calls == ["reserve", "start"]
    world.containers.finish(container().container_id, Outcome(exit_code=0))
    report = world.turn()
    assert [(state.phase, state.exit_code) for state in report.containers] == [("exited", 0)]
    assert world.channel.sent[-1] == report


def test_the_steps_of_containers_are_reported_if_their_job_is_traced() -> None:
    """The agent itself sends no trace, and of another job it reports nothing."""
    world = World()
    seconds = iter((10.0, 11.0, 12.0))
    world.loop.traced = TracedContainers(lambda: next(seconds))
    traced = container(0, job=job(traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    spec = document(vpcs=(vpc((interface(0), interface(1))),), containers=(traced, container(1)))
    assert world.turn(spec).traced == (ContainerTimes(traced.container_id, 10.0, 11.0),)
    world.containers.finish(traced.container_id, Outcome(exit_code=0))
    assert world.turn().traced == (ContainerTimes(traced.container_id, 10.0, 11.0, 12.0),)
    assert world.turn(replace(spec, generation=8, containers=(container(1),))).traced == ()


class Short(MemoryContainerDriver):
    """Containers that cannot be looked at for now."""

    lacks: Exception | None = None

    def states(self) -> Sequence[ContainerState]:
        if self.lacks is not None:
            raise self.lacks
        return super().states()


@pytest.mark.parametrize(
    ("lacks", "name"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "file descriptors"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "room on the disk of its files"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "room on the disk of its files"),
    ],
)
def test_a_turn_that_lacks_resources_is_tried_again_and_reported_for_a_minute(lacks: Exception, name: str) -> None:
    world = World(document())
    world.loop.containers = containers = Short(outcome=Outcome(exit_code=None))
    short = Problem("resources", f"the agent is short of {name}")
    assert short not in world.turn().problems
    containers.lacks = lacks
    for _ in range(3):
        assert not take_turn(world.loop)
    reports = [sent for sent in world.channel.sent if isinstance(sent, HostReport)]
    assert [short in report.problems for report in reports] == [False, True], "it is reported at once, and once"
    containers.lacks = None
    assert take_turn(world.loop)
    assert "start" in [call for call, _ in containers.calls]
    world.seconds += REMEMBERED_SECONDS - 1
    assert short in world.turn().problems
    world.seconds += 1
    assert short not in world.turn().problems


def test_a_turn_that_fails_for_another_reason_ends_the_agent() -> None:
    world = World(document())
    world.loop.containers = containers = Short(outcome=Outcome(exit_code=None))
    containers.lacks = OSError(errno.EIO, "Input/output error")
    with pytest.raises(OSError, match="Input/output error"):
        take_turn(world.loop)


def test_a_container_that_cannot_be_started_for_lack_of_resources_is_reported_as_that() -> None:
    class Unstartable(MemoryContainerDriver):
        def reserve(self, spec: ContainerSpec) -> int:
            raise ContainerError("it cannot be started") from OSError(errno.EMFILE, "Too many open files")

    world = World()
    world.loop.containers = Unstartable()
    assert [problem.about for problem in world.turn(document()).problems] == [container().container_id, "resources"]


def test_what_is_lacking_is_found_without_a_step_that_needs_it() -> None:
    lacks, room = [""], [LEAST_ROOM]
    world = World(document())
    world.loop.short = Shortages(lambda: lacks[0], lambda: room[0], clock=lambda: world.seconds)

    def found() -> list[str]:
        world.seconds += LOOK_SECONDS
        return [problem.message for problem in world.turn().problems]

    assert found() == []
    lacks[0] = "memory"
    assert found() == ["the agent is short of memory"]
    lacks[0], room[0] = "", LEAST_ROOM - 1
    assert found() == ["the agent is short of room on the disk of its files"]
    room[0] = LEAST_ROOM
    assert found() == []


def test_a_container_that_is_no_longer_wanted_is_removed_before_the_network_changes() -> None:
    world = World()
    world.turn(document())
    seen: list[int] = []
    network = world.network.realize

    def realize(spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        seen.append(len(world.containers.states()))
        return network(spec, namespaces)

    world.network.realize = realize  # type: ignore[method-assign]
    report = world.turn(document(generation=8, containers=(), vpcs=(vpc(()),)))
    assert seen == [0]
    assert report.containers == ()
    assert report.interfaces == ()


def test_no_container_of_a_vpc_starts_when_its_network_step_fails() -> None:
    world = World()
    world.network.broken = {"vpc-0a"}
    report = world.turn(document())
    assert world.calls == ["reserve"]
    assert report.vpcs == ()
    assert report.problems[0].about == "vpc-0a"
    world.network.broken = set()
    world.turn()
    assert world.calls == ["reserve", "start"]


def test_without_proof_of_enforcement_no_container_starts_whatever_the_spec_says() -> None:
    world = World(enforcement=(Problem("enforcement", "a packet passed that must not"),))
    report = world.turn(document())
    assert world.calls == []
    assert report.problems[0] == Problem("enforcement", "a packet passed that must not")
    assert report.standby == ()
    assert world.channel.sockets == {}


def test_without_a_network_driver_no_container_starts() -> None:
    world = World(enforcement=(Problem("enforcement", "no nftables"),))
    world.loop.network = None
    assert world.turn(document()).problems == (Problem("enforcement", "no nftables"),)
    assert world.calls == []


def test_a_container_that_cannot_be_created_is_reported_and_others_start() -> None:
    world = World()
    world.containers.refusals[container().container_id] = "no free user id"
    other = container(1)
    spec = document(vpcs=(vpc((interface(0), interface(1))),), containers=(container(), other))
    report = world.turn(spec)
    assert Problem(container().container_id, "no free user id") in report.problems
    assert [state.container_id for state in report.containers] == [other.container_id]
    assert report.interfaces == ("eni-01",)


def test_a_stop_is_passed_on_and_the_container_stays_until_it_is_not_wanted() -> None:
    world = World()
    world.turn(document())
    report = world.turn(document(generation=8, containers=(container(stop=True),)))
    assert world.calls[-1] == "stop"
    assert report.containers[0].phase == "exited"


def test_a_job_stopped_before_it_began_never_begins() -> None:
    world = World()
    report = world.turn(document(containers=(container(stop=True),)))
    assert "start" not in world.calls
    assert [(state.phase, state.exit_code) for state in report.containers] == [("exited", 143)]


def test_a_refused_document_changes_nothing_and_the_report_says_why() -> None:
    world = World()
    world.turn(document())
    report = world.turn(document(generation=9, containers=(container(interface_id="eni-0f"),)))
    assert report.generation == 7
    assert "eni-0f" in report.refused
    assert [state.phase for state in report.containers] == ["running"]
    assert "eni-0f" in world.turn().refused
    assert world.turn(document(generation=10)).refused == ""


def test_an_older_generation_is_refused() -> None:
    world = World()
    world.turn(document(generation=7))
    report = world.turn(document(generation=6, containers=(), vpcs=()))
    assert "older" in report.refused
    assert len(report.containers) == 1


def test_the_first_document_decides_whose_agent_this_is() -> None:
    world = World()
    world.turn(document())
    assert "not this host" in world.turn(document(host="other", generation=8)).refused


def test_a_document_that_could_not_be_read_is_reported() -> None:
    world = World()
    world.channel.fault = "HostSpec has missing or unknown members: command"
    assert world.loop.turn() is None
    assert isinstance(report := world.channel.sent[-1], HostReport)
    assert "command" in report.refused


def test_flows_are_sent_before_the_report_of_their_turn() -> None:
    world = World()
    event = FlowEvent("vpc-0a", "eni-00", "egress", "10.0.0.10", "1.1.1.1", 1, 80, 6, 1, 60, 0.0, 1.0, "ACCEPT")
    world.network.saw(event)
    report = world.turn(document())
    assert world.channel.sent == [(event,), report]


def test_an_unchanged_report_is_not_sent_again_except_to_a_new_server() -> None:
    world = World(document())
    world.turn()
    world.turn()
    settled = len(world.channel.sent)
    world.turn()
    assert len(world.channel.sent) == settled
    world.channel.fresh = True
    world.turn()
    assert len(world.channel.sent) == settled + 1


def test_an_unchanged_report_is_sent_again_after_a_while() -> None:
    world = World(document())
    world.turn()
    settled = len(world.channel.sent)
    world.seconds += HEARTBEAT_SECONDS + 1
    world.turn()
    assert len(world.channel.sent) == settled + 1


def test_containers_are_started_ahead_only_a_moment_after_a_job_began() -> None:
    world = World()
    world.turn(document())
    assert world.containers.standby() == {}
    assert world.loop.seconds_to_next_turn() < 0.5
    world.seconds += world.loop.seconds_to_next_turn()
    world.turn()
    assert world.containers.standby() == {"entities-en": 1}
    assert world.turn().standby == (StandbyCount("entities-en", 1),)


@pytest.mark.parametrize(
    "wanted",
    [
        {"containers": (container(),)},
        {"standby": (StandbyCount("dominant-language", 1),)},
        {"realtime": (RealtimeSpec("rt-1", "000000000001", "dominant-language"),)},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_what_containers_share_is_prepared_once_when_the_first_is_wanted(wanted: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {"containers": (), "standby": (), "realtime": ()}
    world = World(document(generation=1, **nothing))
    prepared: list[int] = []
    world.loop.prepare = lambda: prepared.append(len(world.calls))
    world.turn()
    assert prepared == []
    for generation in (2, 3):
        world.turn(document(generation=generation, **nothing | wanted))
    assert prepared == [0], "before the first call about a container"


def test_a_realtime_container_goes_to_the_server_that_is_there() -> None:
    world = World()
    world.turn(document())
    first = world.channel.sockets["rt-1"]
    world.turn()
    assert world.channel.sockets["rt-1"] is first
    world.channel.fresh = True
    world.turn()
    assert world.channel.sockets["rt-1"] is not first
    for end in (first, world.channel.sockets["rt-1"]):
        end.close()


def test_a_turn_with_nothing_to_change_is_no_more_work_with_a_thousand_interfaces() -> None:
    def work(interfaces: int) -> int:
        world = World()
        many = tuple(replace(interface(number), container_id=None) for number in range(interfaces))
        world.turn(document(vpcs=(vpc(many),), containers=()))
        world.network.realize = lambda spec, namespaces: NetworkReport((), (), ())  # type: ignore[method-assign]
        world.turn()
        return calls(world.turn)

    assert work(1000) == work(1)


@pytest.mark.parametrize("count", [1, 5])
def test_the_waker_ends_a_wait_however_often_it_was_woken(count: int) -> None:
    waker = Waker()
    for _ in range(count):
        waker.wake()
    assert waker.descriptor in waker.wait([], DEADLINE)
    assert waker.wait([], 0.01) == set()


def test_a_report_has_the_hosts_capacity_but_free_memory_alone_causes_none() -> None:
    world = World(document())
    for _ in range(5):
        world.turn()
    reports = [each for each in world.channel.sent if isinstance(each, HostReport)]
    quiet = len(reports)
    for _ in range(5):
        world.turn()
    reports = [each for each in world.channel.sent if isinstance(each, HostReport)]
    assert len(reports) == quiet
    capacity = reports[-1].capacity
    assert capacity is not None
    assert 1 <= capacity.cores <= len(os.sched_getaffinity(0))
    assert 0 < capacity.memory_free <= capacity.memory_bytes


def test_memory_is_read_as_the_kernel_writes_it(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    400 kB\nHugePages_Total:       0\n")
    assert read_capacity(meminfo) == Capacity(len(os.sched_getaffinity(0)), 1_024_000, 409_600)


@pytest.mark.parametrize(
    "text", ["", "MemTotal: 1000 kB\n", "MemTotal: 1 MB\nMemAvailable: 1 MB\n", "MemTotal: x kB\n"]
)
def test_memory_in_an_unknown_format_is_not_guessed(tmp_path: Path, text: str) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(text)
    assert read_capacity(meminfo) is None
    assert read_capacity(tmp_path / "missing") is None


def test_a_vpc_has_a_front_while_it_has_a_container_and_the_server_has_its_channel() -> None:
    world = World()
    world.turn(document())
    assert set(world.fronts.served) == {"vpc-0a"}
    assert set(world.channel.fronts) == {"vpc-0a"}
    world.turn(document(generation=8, containers=(), vpcs=(vpc(()),)))
    assert world.fronts.served == {}


def test_another_server_gets_its_own_channels() -> None:
    world = World()
    world.turn(document())
    first = world.channel.fronts["vpc-0a"]
    world.turn()
    assert world.channel.fronts["vpc-0a"] is first
    world.channel.fresh = True
    world.turn()
    assert world.channel.fronts["vpc-0a"] is not first


def test_no_container_starts_in_a_vpc_whose_front_cannot_be_started() -> None:
    world = World()
    world.fronts.broken = {"vpc-0a"}
    report = world.turn(document())
    assert "start" not in world.calls
    assert [problem.about for problem in report.problems] == ["vpc-0a"]
    world.fronts.broken = set()
    world.turn()
    assert world.calls[-1] == "start"
