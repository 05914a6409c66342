"""Pressure on a running product: a full or slow disk, no memory or file descriptors, a locked database, a clock that
is set, processes that stand still.

Each block ends with the pressure. Nothing is restarted: the product must recover by itself.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager

from reading_room.containers.processes import ProcessHandle, start_time
from reading_room.hosts.pressure import BEAT_SECONDS, PAUSE_SECONDS
from reading_room.hosts.readiness import SILENT_SECONDS
from tests.worlds import wall_clock
from tests.worlds.processes import argv
from tests.worlds.product import Product

FEW = 20
"""Fewer descriptors than each of our processes has open."""


def _first_free(pid: int) -> int:
    """Return the lowest number that is no descriptor of a process: the next one would get it."""
    try:
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    except OSError:
        return FEW  # An ordinary user may not look into a process that keeps secrets.
    return next(number for number in range(len(used) + 1) if number not in used)


@contextmanager
def full_disk(product: Product) -> Iterator[None]:
    """Prevent ``serve`` from writing files.

    A limit on the size of files has the effect of a full disk or a quota, and an ordinary user can set it, too.
    """
    with _limited(product, "serve", "fsize"):
        yield


@contextmanager
def no_descriptors(product: Product, role: str) -> Iterator[None]:
    """Prevent a process of the product from opening files and connections."""
    with _limited(product, role, "nofile", _first_free(product.child(role))):
        yield


@contextmanager
def no_memory(product: Product, role: str) -> Iterator[None]:
    """Prevent a process of the product from getting more memory: it has more than this already."""
    with _limited(product, role, "as", 1):
        yield


@contextmanager
def slow_disk(product: Product) -> Iterator[None]:
    """Let every sync take a second longer, and every write to the database a twentieth."""
    assert product.disk is not None, "the product was not started under a slow disk"
    with product.disk.slow(sync=1.0, write=0.05):
        yield


@contextmanager
def clock_set(product: Product, seconds: int) -> Iterator[None]:
    """Set the clock forward or back by some seconds, and at the end to what it was."""
    with wall_clock.moved(product.processes, seconds):
        yield


@contextmanager
def _limited(product: Product, role: str, what: str, limit: int = 0) -> Iterator[None]:
    """Lower a limit of a process, then set it to what it was."""
    pid = product.child(role)
    # The owner of a process may change its limits; root may not if it lacks capabilities.
    owner = str(os.stat(f"/proc/{pid}").st_uid) if role != "serve" else product.settings["SERVICE_UID"]
    as_owner = ["setpriv", "--reuid", owner, "--regid", owner, "--clear-groups"] if os.geteuid() == 0 else []
    change = [*as_owner, "prlimit", "--pid", str(pid)]
    found = subprocess.run(
        [*change, f"--{what}", "--raw", "--noheadings", "--output=SOFT"],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )
    subprocess.run([*change, f"--{what}={limit}:"], check=True, stdout=subprocess.DEVNULL, timeout=20)
    try:
        yield
    finally:
        if start_time(pid) is not None:  # Another fault may have ended it.
            subprocess.run(
                [*change, f"--{what}={found.stdout.strip()}:"], check=True, stdout=subprocess.DEVNULL, timeout=20
            )


@contextmanager
def locked_database(product: Product) -> Iterator[None]:
    """Hold the write lock of the database, as a program beside the product could."""
    with closing(sqlite3.connect(product.data / "db.sqlite", timeout=60, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def standing_still(pids: Sequence[int]) -> Iterator[None]:
    """Stop processes by SIGSTOP."""
    with ExitStack() as opened:
        handles = [opened.enter_context(closing(found)) for pid in pids if (found := ProcessHandle.open(pid))]
        for handle in handles:
            handle.signal(signal.SIGSTOP)
            opened.callback(handle.signal, signal.SIGCONT)
        yield


def _running(product: Product, module: str) -> list[int]:
    """Return the product's processes that run a module by itself."""
    return [pid for pid in product.processes() if argv(pid)[1:4] == ["-I", "-m", module]]


_AS_ROOT: Mapping[str, Callable[[Product], AbstractContextManager[None]]] = {
    "the disk is slow": slow_disk,
    "the clock is set an hour forward": lambda product: clock_set(product, 3600),
    "the clock is set an hour back": lambda product: clock_set(product, -3600),
    "the clock is set a day forward": lambda product: clock_set(product, 86_400),
    "the clock is set a day back": lambda product: clock_set(product, -86_400),
    "the clock is set a second forward": lambda product: clock_set(product, 1),
    "the clock is set a second back": lambda product: clock_set(product, -1),
}
PRESSURES: Mapping[str, Callable[[Product], AbstractContextManager[None]]] = {
    "the disk is full": full_disk,
    "serve has no descriptors": lambda product: no_descriptors(product, "serve"),
    "the agent has no descriptors": lambda product: no_descriptors(product, "agent"),
    "serve has no memory": lambda product: no_memory(product, "serve"),
    "the agent has no memory": lambda product: no_memory(product, "agent"),
    "the database is locked": locked_database,
    "serve stands still": lambda product: standing_still([product.child("serve")]),
    "the agent stands still": lambda product: standing_still([product.child("agent")]),
    "up stands still": lambda product: standing_still(product.victims("up")),
    "the holder stands still": lambda product: standing_still(product.victims("holder")),
    "the fronts stand still": lambda product: standing_still(_running(product, "reading_room.hosts.front.process")),
    "the reader stands still": lambda product: standing_still(
        _running(product, "reading_room.containers.reader_process")
    ),
    "the workers stand still": lambda product: standing_still(product.workers()),
    "everything stands still": lambda product: standing_still(product.processes()),
    **(_AS_ROOT if wall_clock.can_be_moved() else {}),
}
SHOWN: Mapping[str, frozenset[str]] = {
    "the disk is full": frozenset({"database", "trail"}),
    "serve has no descriptors": frozenset({"descriptors", "resources"}),
    "the agent has no descriptors": frozenset({"agent-resources"}),
    "serve has no memory": frozenset({"resources"}),
    "the agent has no memory": frozenset({"agent-resources"}),
    "the database is locked": frozenset({"database"}),
    "serve stands still": frozenset({"running"}),
    "the agent stands still": frozenset({"agent"}),
    "everything stands still": frozenset({"running"}),
    "the disk is slow": frozenset({"database"}),
    **{name: frozenset({"clock"}) for name in _AS_ROOT if "hour" in name or "day" in name},
}
"""The checks of ``ready`` that show it. The others are too short, or slow down nothing that somebody waits for."""
SHOWN_AFTER = {"running": PAUSE_SECONDS + BEAT_SECONDS, "agent": SILENT_SECONDS}
"""How many seconds it takes until some of them can."""
