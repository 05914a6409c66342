"""The test's side of a container driver in a holder: calls, waiting, and views from the host."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from reading_room.agent.holder import subordinate_ids
from tests.worlds.waiting import DEADLINE, eventually

HERE = Path(__file__).parent
ROOT = os.geteuid() == 0
OWN_KIND = "root" if ROOT else "subordinate" if subordinate_ids() else "rootless"
KINDS = ("root", "rootless", "subordinate") if ROOT else (OWN_KIND,)
"""The kinds of drivers: root makes all of them, an ordinary user only the kind that it is."""


class DriverWorld:
    """One driver process; started again by ``restart``."""

    def __init__(self, folder: Path, kind: str, *, probe: bool = True, groups: bool = True) -> None:
        self.folder, self.kind = folder, kind
        self.options = json.dumps({"probe": probe, "groups": groups})
        self.process: subprocess.Popen[str] | None = None
        self.restart()

    def restart(self) -> None:
        program = [str(HERE / "container_driver_process.py"), str(self.folder), self.options]
        command = [sys.executable, str(HERE / "container_holder.py"), str(self.folder), self.kind, *program]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._read() == "ready"

    def _read(self) -> Any:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the driver's process ended"
        return json.loads(line)

    def call(self, call: str, **arguments: Any) -> Any:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self._read()
        assert "answer" in answer, answer
        return answer["answer"]

    def standby_loaded(self, count: int = 1) -> None:
        self.until(lambda: self.call("standby", count=count)[0] == count)

    def run(self, name: str, task: str, *, ahead: bool, seconds: int = 600) -> None:
        """Hand over a task, to a container started ahead or to a new one."""
        if ahead:
            self.standby_loaded()
        self.call("reserve", name=name, task=task, seconds=seconds)
        self.call("start", name=name, task=task, seconds=seconds)
        self.records()

    def state(self, name: str) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = self.call("states")
        return next((state for state in found if state["container_id"] == name), None)

    def ended(self, name: str) -> dict[str, Any]:
        """Wait for a container's end and return its state."""
        self.until(lambda: (self.state(name) or {}).get("phase") in ("exited", "lost"))
        state = self.state(name)
        assert state is not None
        return state

    def findings(self, name: str) -> dict[str, Any]:
        state = self.ended(name)
        assert state["exit_code"] == 0, state
        kind, message = state["messages"][-1]
        assert kind == "Done", state
        found: dict[str, Any] = json.loads(message["metadata"])
        return found

    def processes(self) -> list[int]:
        """Return every process of every container, including launchers, as the host sees them."""
        launchers = [record["pid"] for record in self.records()]
        return [pid for launcher in launchers for pid in (launcher, *below(launcher))]

    def records(self) -> list[dict[str, Any]]:
        """Return the driver's records of its containers."""
        records: list[dict[str, Any]] = self.call("launchers")
        _groups.update(group for record in records for group in record["control_groups"])
        return records

    def until(self, condition: Any) -> None:
        """Wait until the driver has made the condition true."""
        try:
            eventually(condition)
        except AssertionError as error:
            raise AssertionError(f"the containers: {self.call('states')}") from error

    def agent(self) -> int:
        """Return the driver's own process."""
        assert self.process is not None
        return next(pid for pid in below(self.process.pid) if "container_driver_process" in command_of(pid))

    def kill(self) -> None:
        """Kill the driver as a crash would; its holder remains."""
        (self.folder / "keep-holder").touch()
        os.kill(self.agent(), signal.SIGKILL)
        assert self.process is not None
        self.process.wait(DEADLINE)
        (self.folder / "keep-holder").unlink()

    def close(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.call("end_all")
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(DEADLINE)
        if self.process.stdout is not None:
            self.process.stdout.close()


def below(pid: int) -> list[int]:
    """Return a process's descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            children[int(stat[stat.rindex(")") + 2 :].split()[1])].append(int(entry))
    found, pending = [], [pid]
    while pending:
        for child in children[pending.pop()]:
            found.append(child)
            pending.append(child)
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def user_ids(pid: int) -> list[int]:
    """Return the real, effective, saved and file system user ids, as the host numbers them."""
    status = Path(f"/proc/{pid}/status").read_text()
    return [int(text) for text in next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]]


def first_subordinate_id() -> int:
    """Return the first of the subordinate ids that a driver of kind ``subordinate`` has, as the host numbers it."""
    if ROOT:
        return 200_000  # As in container_holder.py.
    names = {str(os.getuid()), pwd.getpwuid(os.getuid()).pw_name}
    lines = (line.split(":") for line in Path("/etc/subuid").read_text().split())
    return next(int(first) for name, first, _ in lines if name in names)


def leftovers(folder: Path) -> set[str]:
    """Return the living processes of a folder's driver and its containers, and control groups of the tests here."""
    commands = {pid: command_of(int(pid)) for pid in os.listdir("/proc") if pid.isdigit()}
    found = {f"process {pid} {command}" for pid, command in commands.items() if str(folder) in command.split()}
    return found | {group for group in _groups if Path(group).exists()}


_groups: set[str] = set()
"""Every control group that any container of this process's tests had."""
