"""What the agent measures of its containers: processor time is counted to the end, and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.agent.usage import ENDING_SECONDS, MEASURE_SECONDS, Meter, Used, read_tree
from reading_room.containers.limits import used_cpu
from reading_room.containers.living import LivingContainer
from reading_room.containers.messages import WorkerMessages
from reading_room.containers.processes import ProcessHandle
from reading_room.containers.record import Folder, Record
from reading_room.containers.spec import Limits

LAUNCHER = 10


SPENDING = """
import sys, time
while time.process_time() < 0.1:
    pass
print(flush=True)
sys.stdin.read()
"""


class MeterWorld:
    """A meter with containers and processes that a test makes up, and a clock that it moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.living: list[LivingContainer] = []
        self.used_now = Used(0.0, 0)
        self.meter = Meter(
            lambda: self.living, lambda: {"unrouted": 3}, lambda _: self.used_now, clock=lambda: self.now
        )

    def container(self, kind: str = "job", phase: str = "waiting") -> LivingContainer:
        """Add a container whose launcher is process 10."""
        record = Record(kind, "entities-en", Limits(), "boot", phase)  # type: ignore[arg-type]
        folder = Folder(Path("/nowhere"))
        found = LivingContainer(folder, record, WorkerMessages(Path("/m"), Path("/d"), None))  # type: ignore[arg-type]
        found.handle = ProcessHandle(LAUNCHER, 0, -1)
        self.living.append(found)
        return found

    def run(self, cpu: float) -> None:
        """Let the container's processes have used this much, and take a turn."""
        self.used_now = Used(cpu, 600)
        self.meter.turned(0.25)
        self.now += MEASURE_SECONDS

    def used(self) -> dict[tuple[str, str], tuple[int, int, float]]:
        """Return containers, memory and processor time by role and engine."""
        usage = self.meter.usage()
        return {
            (each.role, each.engine): (each.containers, each.memory_bytes, each.cpu_seconds)
            for each in usage.containers
        }


def test_a_container_counts_for_the_role_that_it_has_at_the_time() -> None:
    world = MeterWorld()
    container = world.container()
    world.run(1.5)
    assert world.used() == {("ahead", "entities-en"): (1, 600, 1.5)}
    container.record.phase = "running"
    world.run(4.5)
    assert world.used() == {("ahead", "entities-en"): (0, 0, 1.5), ("job", "entities-en"): (1, 600, 3.0)}
    usage = world.meter.usage()
    assert (usage.turns, usage.turn_seconds) == (2, 0.5)
    assert [(drop.reason, drop.packets) for drop in usage.drops] == [("unrouted", 3)]


def test_what_a_container_used_after_the_last_measurement_is_added_when_it_has_ended() -> None:
    world = MeterWorld()
    container = world.container(phase="running")
    world.run(1.5)
    assert world.used() == {("job", "entities-en"): (1, 600, 1.5)}
    world.living.clear()
    world.run(9.0)
    assert world.used() == {("job", "entities-en"): (0, 0, 1.5)}
    container.cpu_seconds = 7.0
    for _ in range(2):
        world.run(9.0)
        assert world.used() == {("job", "entities-en"): (0, 0, 7.0)}


def test_a_container_without_a_last_figure_keeps_what_was_measured_and_is_forgotten() -> None:
    world = MeterWorld()
    container = world.container(phase="running")
    world.run(1.5)
    world.living.clear()
    world.run(9.0)
    world.now += ENDING_SECONDS
    world.run(9.0)
    container.cpu_seconds = 7.0
    world.run(9.0)
    assert world.used() == {("job", "entities-en"): (0, 0, 1.5)}


@pytest.mark.costs(0.5, reason="a process must use time that the kernel's clock can show")
def test_the_kernel_says_what_a_process_and_its_children_use() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", SPENDING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    alone, together = read_tree(child.pid), read_tree(os.getpid())
    child.communicate()
    assert alone.cpu_seconds > 0
    assert alone.memory_bytes > 1_000_000
    assert together.memory_bytes > alone.memory_bytes
    assert read_tree(child.pid) == Used(0.0, 0)


@pytest.mark.parametrize(
    ("name", "text", "seconds"),
    [
        ("cpu.stat", "usage_usec 2500000\nuser_usec 2000000\n", 2.5),
        ("cpuacct.usage", "2500000000\n", 2.5),
        ("cpu.stat", "nr_periods 0\n", None),
    ],
)
def test_a_control_group_counts_processor_time_in_either_version(
    tmp_path: Path, name: str, text: str, seconds: float | None
) -> None:
    (tmp_path / name).write_text(text)
    assert used_cpu([str(tmp_path / "none"), str(tmp_path)]) == seconds
