"""The file that tells other programs of a machine what its agent has in force."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from reading_room.agent.in_force import NAME, InForce
from reading_room.agent.spec import HostSpec
from reading_room.containers.memory import Outcome
from reading_room.dataplane.spec import HostPlace, Problem, Underlay
from tests.worlds.agent import container, document
from tests.worlds.agent_loop import World

UNDERLAY = Underlay(HostPlace("b", 2, "192.0.2.2"), (HostPlace("a", 1, "192.0.2.1"),), 1500)


def shared(generation: int = 7) -> HostSpec:
    """Return a spec with one container for a host that shares VPCs."""
    spec = document(generation=generation)
    return replace(spec, network=replace(spec.network, underlay=UNDERLAY), epoch=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The place of the file."""
    return tmp_path / NAME


def world_with(file: Path, enforcement: tuple[Problem, ...] = ()) -> World:
    world = World(enforcement=enforcement)
    world.loop.in_force = InForce(file)
    return world


def test_it_has_the_generation_the_lease_and_the_living_containers(file: Path) -> None:
    world = world_with(file)
    world.turn(shared())
    assert file.read_text() == f"generation 7\nleased yes\ncontainer {container().container_id}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    world.containers.finish(container().container_id, Outcome(exit_code=0))
    world.turn(shared(8))
    assert file.read_text() == "generation 8\nleased yes\n"


def test_each_turn_renews_its_time(file: Path) -> None:
    world = world_with(file)
    world.turn(shared())
    os.utime(file, (1, 1))
    world.turn()
    assert file.stat().st_mtime > 1


def test_it_says_that_the_lease_has_ended(file: Path) -> None:
    world = world_with(file)
    world.turn(shared())
    world.seconds += 60
    world.turn()
    world.turn()
    assert file.read_text() == "generation 7\nleased no\n"


def test_it_says_why_nothing_can_start(file: Path) -> None:
    world = world_with(file, (Problem("enforcement", "not proven:\ncontainer forged"),))
    world.turn(shared())
    assert "problem not proven: container forged\n" in file.read_text()
    assert "\ncontainer forged" not in file.read_text()


def test_a_single_host_has_none(file: Path) -> None:
    world = world_with(file)
    file.write_text("of a time when there were others")
    world.turn(document())
    assert not file.exists()


def test_a_turn_does_without_it(file: Path) -> None:
    world = world_with(file / "missing")
    assert world.turn(shared()).generation == 7
