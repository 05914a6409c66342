"""The check that tests leave the machine unchanged: a run that leaves something behind fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

WATCHED_SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv6/conf/all/disable_ipv6",
    "kernel/hostname",
    "kernel/core_pattern",
    "user/max_user_namespaces",
)
TOUCHING = frozenset({"network", "e2e", "chaos", "boot"})
"""Marks of the tests that use more of the kernel than files and sockets."""
SETTLE_SECONDS = 15.0
"""How long ended processes may take to disappear, and how long other runs may have something for a moment."""


def machine_state() -> dict[str, object]:
    """Return what tests could change on the machine but must not: sysctls and the firewall."""
    return {"sysctls": {name: _read(Path("/proc/sys") / name) for name in WATCHED_SYSCTLS}, "firewall": _firewall()}


def machine_things() -> set[str]:
    """Return what tests could leave on the machine: links and mounts.

    Control groups are not included, because those of other runs look the same. Tests that create some check them.
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
            continue  # It has ended, or belongs to another user.
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


class Machine:
    """Compares the machine before and after a run, in the process that started it and after all workers have ended.

    Other runs may be active on the same machine; what they have and do must not fail this one.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._before = machine_state()
        self._things = machine_things()
        self._touched = False
        self._faults: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note whether any test used the kernel."""
        self._touched = self._touched or not TOUCHING.isdisjoint(report.keywords)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Look at the machine again, after ended processes had time to disappear."""
        if not self._touched:
            return
        after = machine_state()
        self._faults = [
            f"{name} was changed from {before!r} to {after[name]!r}"
            for name, before in self._before.items()
            if after[name] != before
        ]
        self._faults += [f"left behind: {each}" for each in sorted(self._left())]
        if self._faults:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print what has changed."""
        if self._faults:
            terminalreporter.section("these tests left the machine changed", red=True, bold=True)
            for fault in self._faults:
                terminalreporter.line(fault)

    def _left(self) -> set[str]:
        factory = getattr(self._config, "_tmp_path_factory", None)
        folder = Path(factory.getbasetemp()) if factory is not None else None
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            left = (machine_things() - self._things) | (processes_of(folder) if folder is not None else set())
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.25)
