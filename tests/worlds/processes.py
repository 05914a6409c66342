"""Processes that tests look at and hold, by their numbers on the host."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reading_room.containers.processes import ProcessHandle
from tests.worlds.waiting import DEADLINE

TURN = 0.01
"""Seconds that a process which is let work runs at a time."""


def argv(pid: int) -> list[str]:
    """Return the command line of a process; of one that has ended it is empty."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill(pid: int) -> None:
    """``kill -9`` a process; one that has ended is no error."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It ended by itself, or with one killed before it.


def worker_below(launcher: int) -> int | None:
    """Return the worker of a container, as ``containers.processes.worker_of`` does, without a look at all of /proc."""
    pending = [launcher]
    while pending:
        pid = pending.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            pending += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
        numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
        if len(numbers) >= 2 and numbers[-1] == "2":
            return pid
    return None


def has_spoken(worker: int) -> bool:
    """Say whether a worker is set up in its container and has opened a TCP connection there lately."""
    if argv(worker)[1:4] != ["-I", "-m", "reading_room.analysis.worker"]:
        return False
    try:
        return len(Path(f"/proc/{worker}/net/tcp").read_text().splitlines()) > 1
    except OSError:
        return False  # It ended meanwhile.


def processor_seconds(pid: int) -> float:
    """Return how long a process has had a processor; infinitely long if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return float("inf")
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def let_work(frozen: int, seconds: float) -> None:
    """Let a frozen process have a processor for so many seconds, and hardly more: it runs by short turns.

    Whoever looked at it from time to time instead would come too late where others have the processors.
    """
    enough, handle = processor_seconds(frozen) + seconds, ProcessHandle.open(frozen)
    if handle is None:
        return  # It has ended already.
    try:
        deadline = time.monotonic() + DEADLINE
        while processor_seconds(frozen) < enough:
            assert time.monotonic() < deadline, f"process {frozen} did not work for {seconds} s within {DEADLINE} s"
            handle.signal(signal.SIGCONT)
            time.sleep(TURN)
            handle.signal(signal.SIGSTOP)
    finally:
        handle.close()


@contextmanager
def slowed(*pids: int) -> Iterator[None]:
    """Let processes run for a twentieth of the time during the block: they answer, and take little from others."""
    over = threading.Event()

    def slow() -> None:
        while not over.is_set():
            with frozen(*pids):
                over.wait(0.095)
            over.wait(0.005)

    thread = threading.Thread(target=slow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Let processes stand still for the length of the block: what they do is not over before a test is."""
    with ExitStack() as held:
        for pid in pids:
            handle = ProcessHandle.open(pid)
            if handle is None:
                continue  # It has ended already.
            held.callback(handle.close)
            handle.signal(signal.SIGSTOP)
            held.callback(handle.signal, signal.SIGCONT)
        yield
