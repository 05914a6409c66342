"""What all tests share: how many examples property tests try, and the promise to leave the machine as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

# Network tests fork, which a process should do with one thread: numpy's library would make more as it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("READING_ROOM_HYPOTHESIS", "default"))

WATCHED_SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv6/conf/all/disable_ipv6",
    "kernel/hostname",
    "kernel/core_pattern",
    "user/max_user_namespaces",
)


SETTLE_SECONDS = 15.0
"""How long what the tests ended may take to vanish; also what another run on this machine has only for a moment."""


def machine_state() -> dict[str, object]:
    """Return what a test could change of the machine and must not: sysctls, the firewall."""
    return {"sysctls": {name: _read(Path("/proc/sys") / name) for name in WATCHED_SYSCTLS}, "firewall": _firewall()}


def machine_things() -> set[str]:
    """Return what a test could leave on the machine: links and mounts.

    Control groups are left out: those of other runs cannot be told from ours. Tests that make some look after them.
    """
    links = (f"link {path.name}" for path in Path("/sys/class/net").iterdir())
    mounts = (f"mount {line.split()[4]}" for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {*links, *mounts}


def processes_of(folder: Path) -> set[str]:
    """Return the processes that name ``folder`` in their command line or have something in it open."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            opened = [os.readlink(each) for each in (process / "fd").iterdir()]
        except OSError:
            continue  # It has ended, or is of another user.
        if any(f"{folder}/" in text for text in (command, *opened)):
            found.add(f"process {process.name}: {command[:120]}")
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        return f"unreadable: {error.errno}"


def _firewall() -> str:
    nft = shutil.which("nft") or shutil.which("nft", path="/usr/sbin:/sbin")
    if nft is None:
        return ""
    return subprocess.run([nft, "list", "tables"], capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="session", autouse=True)
def machine_unchanged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the run if its tests touched the kernel and left a trace on the machine.

    Other runs may go on beside this one: what they have and do is theirs, and no fault of these tests.
    """
    kernel = {"network", "e2e", "chaos", "boot"}
    touches = any(kernel & {mark.name for mark in item.iter_markers()} for item in request.session.items)
    if not touches:
        yield
        return
    before, things = machine_state(), machine_things()
    yield
    assert machine_state() == before, "these tests left the machine changed"
    deadline = time.monotonic() + SETTLE_SECONDS
    own = tmp_path_factory.getbasetemp()
    while left := (machine_things() - things) | processes_of(own):
        assert time.monotonic() < deadline, f"these tests left something behind: {sorted(left)}"
        time.sleep(0.25)
