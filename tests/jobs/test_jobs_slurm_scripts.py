"""The scripts on a node of Slurm: the prolog never fails, and a slot's script holds it or fails with the reason."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.agent.in_force import NAME, InForce
from reading_room.jobs.slurm.slot import FAILURES, SCRIPT
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(1, reason="shells are started, which wait for each other")
PROLOG = Path(__file__).resolve().parents[2] / "packaging" / "slurm" / "prolog"
CONTAINER = "job-0a-1"
NAME_OF_JOB = f"reading-room:0123456789ab:{CONTAINER}"
LONG = 600
"""Seconds after which a test has failed anyway."""


class Node:
    """A machine with an agent, a prolog and slots."""

    def __init__(self, folder: Path) -> None:
        self.answers = folder / "slots"
        self.state, self.seen = folder / "state", folder / "seen"
        server = self.state / "fd00-17" / "server"
        server.mkdir(parents=True)
        self.file = server / NAME
        self.agent = InForce(self.file)
        self.slots: list[subprocess.Popen[bytes]] = []

    def tell(self, *containers: str, leased: bool = True, problem: str = "") -> None:
        """Let the agent take a turn."""
        self.agent.tell(7, leased=leased, problem=problem, containers=containers)

    def prolog(self, comment: str = NAME_OF_JOB, context: str = "prolog_slurmd", wait: int = 0) -> int:
        """Run the prolog of job 5 and return its exit code. It waits this many seconds for the agent."""
        given = {"SLURM_JOB_ID": "5", "SLURM_JOB_COMMENT": comment, "SLURM_SCRIPT_CONTEXT": context}
        own = {"READING_ROOM_STATE": str(self.state), "READING_ROOM_SLOTS": str(self.answers)}
        own["READING_ROOM_PROLOG_SECONDS"] = str(wait)
        return subprocess.run([PROLOG], env={"PATH": os.defpath} | given | own, check=False).returncode

    def slot(self) -> subprocess.Popen[bytes]:
        """Start the script of job 5, whose pauses are short, and which makes ``seen`` when its container is there."""
        script = SCRIPT.replace("/run/reading-room-slots", str(self.answers)).replace("sleep 2", "sleep 0.02")
        script = script.replace("while has", f": >{self.seen}\nwhile has")
        given = {"PATH": os.defpath, "SLURM_JOB_ID": "5", "SLURM_JOB_NAME": NAME_OF_JOB}
        self.slots.append(subprocess.Popen(["/bin/sh", "-c", script], env=given))
        return self.slots[-1]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A machine whose agent has not begun."""
    node = Node(tmp_path)
    yield node
    for each in node.slots:
        each.kill()
        each.wait()


def test_a_slot_is_held_until_its_container_came_and_went(node: Node) -> None:
    node.tell("job-of-another-1")
    assert node.prolog() == 0
    slot = node.slot()
    node.tell(CONTAINER, "job-0a-1-1")
    eventually(node.seen.exists)
    assert slot.poll() is None
    node.tell("job-0a-1-1")
    assert slot.wait(LONG) == 0
    assert node.prolog(context="epilog_slurmd") == 0
    assert list(node.answers.iterdir()) == []


@pytest.mark.parametrize(("leased", "problem", "code"), [(True, "not proven, so no job runs", 73), (False, "", 74)])
def test_a_slot_fails_with_what_the_agent_lacks_and_the_prolog_does_not(
    node: Node, leased: bool, problem: str, code: int
) -> None:
    node.tell(CONTAINER, leased=leased, problem=problem)
    assert node.prolog() == 0
    assert node.slot().wait(LONG) == code


@pytest.mark.parametrize("how", ["never", "killed", "unreadable"])
def test_a_slot_fails_if_no_agent_takes_turns(node: Node, how: str) -> None:
    if how == "killed":
        node.tell(CONTAINER)
        os.utime(node.file, (1, 1))
    if how == "unreadable":
        node.file.mkdir()
    assert node.prolog() == 0
    assert node.slot().wait(LONG) == 72


def test_the_prolog_waits_for_the_agent(node: Node) -> None:
    waits = subprocess.Popen(
        [PROLOG],
        env={"PATH": os.defpath, "SLURM_JOB_ID": "5", "SLURM_JOB_COMMENT": NAME_OF_JOB}
        | {"READING_ROOM_STATE": str(node.state), "READING_ROOM_SLOTS": str(node.answers)},
    )
    node.tell(leased=False)
    node.tell()
    assert waits.wait(LONG) == 0
    assert (node.answers / "5").read_text() == f"0\n {node.file}\n"


def test_a_slot_on_a_node_without_our_prolog_fails(node: Node) -> None:
    node.tell(CONTAINER)
    assert node.slot().wait(LONG) == 71
    assert set(FAILURES) == {71, 72, 73, 74}


def test_a_slot_that_waits_is_given_back_when_serve_is_lost(node: Node) -> None:
    node.tell()
    assert node.prolog() == 0
    slot = node.slot()
    node.tell(leased=False)
    assert slot.wait(LONG) == 74


@pytest.mark.parametrize("comment", ["", "somebody's job", "not reading-room:x"])
def test_the_jobs_of_others_are_left_alone(node: Node, comment: str) -> None:
    assert node.prolog(comment) == 0
    assert not node.answers.exists()
