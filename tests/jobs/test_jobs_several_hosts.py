"""Jobs on several hosts: where their containers run, what hosts report, and what becomes of those on a lost host."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from reading_room.agent.spec import Capacity, HostReport, StandbyCount
from reading_room.analysis.job_file import Ready
from reading_room.containers.spec import ContainerState
from reading_room.fleet.tables import DRAINING, LEAVING, HostRow
from reading_room.jobs.job import Phase
from reading_room.jobs.ports import JobSize
from reading_room.settings import Settings
from tests.worlds.jobs import DONE, World
from tests.worlds.several_hosts import add_host

LEASE = dt.timedelta(seconds=10)
GB = 1_000_000_000
ROOMY = Capacity(cores=4, memory_bytes=16 * GB, memory_free=12 * GB)


@pytest.fixture
def world() -> Iterator[World]:
    """Three hosts in two zones."""
    world = World(None, Settings(jobs_at_once=8))
    with world.database.transaction() as session:
        for number, (host, zone) in enumerate((("local", "a"), ("second", "a"), ("third", "b")), 1):
            add_host(session, host, number, zone=f"us-east-1{zone}", lease_until=world.now + LEASE)
    yield world
    world.database.close()


def change(world: World, host: str, **columns: Any) -> None:
    """Change the row of a host."""
    with world.database.transaction() as session:
        row = session.get_one(HostRow, host)
        for name, value in columns.items():
            setattr(row, name, value)


def lose(world: World, host: str) -> None:
    """Let the leases of all hosts but one be renewed until that one is lost."""
    world.pass_seconds(13)
    for each in ("local", "second", "third"):
        if each != host:
            change(world, each, lease_until=world.now + LEASE)


def homes(world: World) -> dict[str, int]:
    """Return how many containers each host should run."""
    return {host: len(world.wanted(host)) for host in ("local", "second", "third")}


def settle(world: World) -> None:
    """Make all hosts confirm that everything dropped is gone."""
    for host in ("local", "second", "third"):
        world.host_says(host=host)
    world.turn(3)


def test_a_job_s_containers_run_on_several_hosts(world: World) -> None:
    world.sizing.size = JobSize(3)
    job = world.submit()
    world.turn()
    assert homes(world) == {"local": 1, "second": 1, "third": 1}
    assert {need.host for need in world.network.prepared} == {"local", "second", "third"}
    assert {need.zone for need in world.network.prepared} == {"us-east-1a", "us-east-1b"}
    assert "on host second" in world.story(job)


def test_a_job_ends_with_what_the_host_of_its_first_container_reports(world: World) -> None:
    world.network.free = {"us-east-1b": 9}
    job = world.submit()
    world.turn()
    assert homes(world) == {"local": 0, "second": 0, "third": 1}
    (spec,) = world.wanted("third")
    world.write_output(job)
    done = ContainerState(spec.container_id, "exited", 0, (Ready(), DONE))
    world.controller.report(HostReport("second", 1, containers=(done,)))
    world.turn()
    assert world.status(job) == "IN_PROGRESS", "another host has nothing to say about it"
    world.host_says(done, host="third")
    world.turn()
    world.host_says(host="second")
    world.turn(2)
    assert world.status(job) == "IN_PROGRESS", "another host cannot confirm that the interface is gone"
    world.host_says(host="third")
    world.turn(2)
    assert world.status(job) == "COMPLETED"


def test_a_job_runs_near_a_loaded_engine_and_never_on_a_host_that_is_drained(world: World) -> None:
    world.controller.report(HostReport("second", 1, standby=(StandbyCount("entities-en", 1),)))
    first = world.submit()
    world.turn()
    assert homes(world)["second"] == 1
    change(world, "second", state=DRAINING)
    world.submit()
    world.turn()
    assert homes(world)["second"] == 1, "it keeps what it has, and gets nothing new"
    assert world.row(first).phase == Phase.RUNNING.value


def test_a_job_without_a_host_in_its_zone_fails_and_one_whose_hosts_are_drained_waits(world: World) -> None:
    world.network.free = {"us-east-1c": 9}
    job = world.submit()
    world.turn(2)
    assert world.status(job) == "FAILED"
    assert "No host is in us-east-1c, where the job's subnets are" in str(world.message(job))
    world.network.free = {"us-east-1b": 9}
    change(world, "third", state=DRAINING)
    job = world.submit()
    world.turn(3)
    assert world.status(job) == "IN_PROGRESS"
    assert homes(world) == {"local": 0, "second": 0, "third": 0}
    waits = "The job waits: no host in us-east-1b takes new containers: third is being drained."
    assert world.story(job).count(waits) == 1
    change(world, "third", state="active")
    world.turn()
    assert homes(world)["third"] == 1


def test_without_any_host_that_takes_containers_every_job_waits_and_says_so(world: World) -> None:
    for host in ("local", "second", "third"):
        change(world, host, state=DRAINING)
    job = world.submit()
    world.turn(2)
    assert world.status(job) == "SUBMITTED"
    assert world.story(job).count("no host takes new containers; `reading-room host list` shows them") == 1


def test_jobs_are_admitted_by_the_room_of_all_hosts(world: World) -> None:
    one = Capacity(cores=1, memory_bytes=4 * GB, memory_free=2 * GB)
    for host in ("local", "second", "third"):
        world.controller.report(HostReport(host, 1, capacity=one))
    world.settings = Settings(core_overcommit=1.0, jobs_at_once=8)
    world.restart()
    for host in ("local", "second", "third"):
        world.controller.report(HostReport(host, 1, capacity=one))
    for _ in range(5):
        world.submit()
    world.turn()
    assert homes(world) == {"local": 1, "second": 1, "third": 1}
    assert world.sizing.capacities[0] == Capacity(3, 12 * GB, 6 * GB)
    world.turn(2)
    assert homes(world) == {"local": 1, "second": 1, "third": 1}


def test_a_job_on_a_lost_host_has_another_attempt_elsewhere_at_once(world: World) -> None:
    world.network.free = {"us-east-1a": 9}
    world.controller.report(HostReport("second", 1, standby=(StandbyCount("entities-en", 1),)))
    job = world.submit()
    world.turn()
    (spec,) = world.wanted("second")
    world.host_says(ContainerState(spec.container_id, "running", None, (Ready(),)), host="second")
    world.turn()
    lose(world, "second")
    world.turn()
    assert "container lost: its host second was lost; attempt 2 follows" in world.story(job)
    assert homes(world) == {"local": 1, "second": 0, "third": 0}
    assert spec.interface_id not in world.network.interfaces.values()
    world.turn()
    assert world.container_rows() == 1, "nobody is waited for"
    world.write_output(job)
    world.host_says(ContainerState(spec.container_id, "exited", 0, (Ready(), DONE)), host="second")
    world.turn()
    assert world.status(job) == "IN_PROGRESS", "what a lost host says about the earlier attempt counts no more"


def test_a_job_of_several_containers_goes_on_without_those_of_a_lost_host(world: World) -> None:
    world.sizing.size = JobSize(3)
    job = world.submit()
    world.turn()
    first = next(host for host in ("local", "second", "third") if world.wanted(host)[0].job.cluster.member == 0)  # type: ignore[union-attr]
    other = next(host for host in ("third", "second") if host != first)
    lose(world, other)
    world.turn()
    assert world.row(job).attempt == 1
    assert sorted(world.row(job).members) == [0, *sorted(set(world.row(job).members) - {0})]
    assert len(world.row(job).members) == 3, "another container takes its place"
    assert homes(world)[other] == 0
    assert sum(homes(world).values()) == 3


def test_a_host_that_was_cut_off_without_anybody_noticing_has_ended_its_containers(world: World) -> None:
    world.network.free = {"us-east-1b": 9}
    job = world.submit()
    world.turn()
    change(world, "third", epoch=2)
    world.turn()
    assert "container lost: its host third was cut off, and ended it; attempt 2 follows" in world.story(job)
    assert homes(world)["third"] == 1
    world.turn()
    assert world.row(job).attempt == 2


def test_a_job_that_ran_before_other_hosts_joined_runs_on() -> None:
    world = World(None)
    job = world.submit()
    world.turn()
    assert len(world.wanted()) == 1
    with world.database.transaction() as session:
        for number, host in enumerate(("local", "second"), 1):
            add_host(session, host, number, lease_until=None, epoch=0)
    world.turn(2)
    assert (world.row(job).phase, world.row(job).attempt) == (Phase.RUNNING.value, 1)
    world.database.close()


def test_a_host_that_leaves_is_forgotten_when_nothing_is_on_it(world: World) -> None:
    world.network.free = {"us-east-1b": 9}
    world.submit()
    world.turn()
    change(world, "third", state=LEAVING, public_key="b" * 64)
    lose(world, "third")
    world.turn()
    with world.database.reading() as session:
        assert session.get_one(HostRow, "third").lease_until is None
    world.turn(2)
    with world.database.reading() as session:
        assert session.get(HostRow, "third") is None


def test_a_lost_host_keeps_no_job_from_ending(world: World) -> None:
    world.network.free = {"us-east-1b": 9}
    job = world.submit()
    world.turn()
    world.ask_to_stop(job)
    world.turn()
    lose(world, "third")
    world.turn(3)
    assert world.status(job) == "STOPPED"
    assert world.container_rows() == 0
    settle(world)
