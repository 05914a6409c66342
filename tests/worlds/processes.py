"""Processes that tests observe and hold, by their ids on the host."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from reading_room.containers.processes import ProcessHandle
from reading_room.dataplane.spec import LOCAL_CREDENTIALS_ADDRESS
from tests.worlds.waiting import DEADLINE

TURN = 0.01
"""How many seconds a process runs at a time in ``let_work``."""
_CREDENTIALS = f"{int.from_bytes(socket.inet_aton(LOCAL_CREDENTIALS_ADDRESS), sys.byteorder):08X}"
"""That address as /proc/net/tcp writes it."""


def argv(pid: int) -> list[str]:
    """Return the command line of a process, or an empty one if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def kill(pid: int) -> None:
    """``kill -9`` a process; ignore one that has ended."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # It ended by itself, or together with one killed before it.


def worker_below(launcher: int) -> int | None:
    """Return the worker of a container, as ``containers.processes.worker_of`` does, without reading all of /proc."""
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
    """Return whether a worker in its container has recently opened a TCP connection, other than for its credentials.

    Without credentials, a job is tried again when its service does not answer. With them, it fails with the cause.
    """
    if argv(worker)[1:4] != ["-I", "-m", "reading_room.analysis.worker"]:
        return False
    try:
        connections = Path(f"/proc/{worker}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False  # The process has ended meanwhile.
    return any(each.split()[2].partition(":")[0] != _CREDENTIALS for each in connections)


def processor_seconds(pid: int) -> float:
    """Return how long a process has used a processor; infinity if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return float("inf")
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def let_work(frozen: int, seconds: float) -> None:
    """Let a frozen process have a processor for this many seconds, and hardly more, in short turns.

    An observer that checked from time to time would be too late when others have the processors.
    """
    enough, handle = processor_seconds(frozen) + seconds, ProcessHandle.open(frozen)
    if handle is None:
        return  # The process has ended already.
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
    """Let processes run for a twentieth of the time during the block: they answer, but use little of the machine."""
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
    """Freeze processes for the length of the block, so that their work does not end before a test does."""
    with ExitStack() as held:
        for pid in pids:
            handle = ProcessHandle.open(pid)
            if handle is None:
                continue  # The process has ended already.
            held.callback(handle.close)
            handle.signal(signal.SIGSTOP)
            held.callback(handle.signal, signal.SIGCONT)
        yield
