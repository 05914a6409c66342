"""The warnings about pressure on the machine: each begins, ends by itself, and leaves the service ready."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading

import pytest

from reading_room.agent.spec import Capacity
from reading_room.aws.probes import Check, Fault
from reading_room.hosts.pressure import (
    LEAST_MEMORY,
    PAUSE_SECONDS,
    REMEMBERED_SECONDS,
    Pulse,
    descriptors_check,
    memory_check,
    resources_check,
)
from reading_room.shortage import Threads
from tests.worlds.waiting import DEADLINE


class Clocks:
    """A wall clock and a monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_800_000_000.0, 50.0
        self.pulse = Pulse(lambda: self.wall, lambda: self.monotonic)

    def beat_after(self, seconds: float, jump: float = 0.0) -> None:
        """Let time pass, and beat."""
        self.monotonic += seconds
        self.wall += seconds + jump
        self.pulse.beat()

    def failing(self) -> list[str]:
        """Return the names of the checks that warn."""
        return [check.name for check in self.pulse.checks if warns(check)]


def warns(check: Check) -> bool:
    """Return whether a check warns; it must not stop the service."""
    fault: Fault | None = check.look()
    assert fault is None or not fault.stops
    return fault is not None


def test_little_free_memory_is_a_warning_until_there_is_more() -> None:
    free = [LEAST_MEMORY - 1, LEAST_MEMORY]
    check = memory_check(lambda: Capacity(2, 1 << 34, free.pop(0)))
    assert [warns(check), warns(check)] == [True, False]
    assert not warns(memory_check(lambda: None))


def test_nearly_all_descriptors_in_use_is_a_warning() -> None:
    used = [81, 80]
    check = descriptors_check(lambda: used.pop(0), lambda: 100)
    assert [warns(check), warns(check)] == [True, False]
    assert not warns(descriptors_check())


def test_descriptors_that_cannot_be_counted_for_lack_of_one_are_a_warning() -> None:
    def none_left() -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    assert warns(descriptors_check(none_left))


def test_what_serve_cannot_get_is_a_warning_until_it_can() -> None:
    lacks = ["memory", ""]
    check = resources_check(lambda: lacks.pop(0))
    assert [warns(check), warns(check)] == [True, False]


@pytest.mark.parametrize(
    ("limit", "found"), [("NOFILE", "file descriptors"), ("AS", "memory"), (None, "")], ids=["nofile", "as", "none"]
)
@pytest.mark.costs(0.3, reason="a process of its own has the limit")
def test_a_process_without_resources_finds_out_which(limit: str | None, found: str) -> None:
    """For a process with a limit below what it has already, as the pressures of ``make chaos`` set it."""
    of = "None" if limit is None else f"resource.RLIMIT_{limit}"
    code = (
        "import resource, sys; from reading_room.shortage import lacking; "
        f"{of} and resource.setrlimit({of}, (1, resource.getrlimit({of})[1])); sys.stdout.write(lacking())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == found


def test_a_pool_that_can_start_no_thread_does_its_work_with_those_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool, go = Threads(2, "calls"), threading.Event()
    monkeypatch.setattr(threading.Thread, "start", refused)
    done = [pool.submit(go.wait, DEADLINE), pool.submit(lambda: True)]
    go.set()
    assert [each.result(DEADLINE) for each in done] == [True, True]
    # Without any, nobody gets an error for work that is done later.
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Threads(2, "calls")
    pool.shutdown()


@pytest.mark.parametrize("jump", [-3600.0, -6.0, 6.0, 3600.0])
def test_a_jump_of_the_clock_in_either_direction_is_reported_for_a_while(jump: float) -> None:
    clocks = Clocks()
    clocks.beat_after(5)
    assert clocks.failing() == []
    clocks.beat_after(5, jump)
    assert clocks.failing() == ["clock"]
    clocks.monotonic += REMEMBERED_SECONDS
    assert clocks.failing() == []


def test_a_correction_in_small_steps_is_no_jump() -> None:
    clocks = Clocks()
    for _ in range(10):
        clocks.beat_after(5, 0.5)
    assert clocks.failing() == []


def test_a_process_that_was_stopped_says_so_when_it_runs_again() -> None:
    clocks = Clocks()
    clocks.beat_after(PAUSE_SECONDS + 1)
    assert clocks.failing() == ["running"]
    clocks.beat_after(5)
    assert clocks.failing() == ["running"]
    clocks.monotonic += REMEMBERED_SECONDS
    assert clocks.failing() == []
