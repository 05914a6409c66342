"""The limits of a container, enforced by a control group if this host lets us create one, else by resource limits.

Control groups are created below the agent's own, or (version 2) below its nearest ancestor that delegates controllers:
one directory for each container, removed with it.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.containers.spec import Limits

_log = logging.getLogger(__name__)

OVERHEAD_PROCESSES = 3
"""The launcher, bubblewrap and its reaper count in the control group, but do not belong to the job."""

_FILES_V1 = {"memory": "memory.limit_in_bytes", "pids": "pids.max", "cpu": "cpu.cfs_quota_us"}
_FILES_V2 = {"memory": "memory.max", "pids": "pids.max", "cpu": "cpu.max"}
JOB_WEIGHT = 40
"""The CPU weight of a job's container, when other processes have 100: jobs take what is left, so that the server and
synchronous operations answer first."""
JOB_NICE = 4
"""The same without a control group: each step is about a fifth less."""

TRIAL_LOOKS = 200
"""How often the removal of a trial's group is attempted, with pauses: the kernel may take a second."""

_NAMES = {"memory": "memory", "pids": "processes", "cpu": "cpus"}


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """One container's directories, and the controllers that they have."""

    directories: tuple[str, ...]
    controllers: tuple[str, ...]

    def open_entrances(self, opened: list[int]) -> list[int]:
        """Return a descriptor for each directory: a process of any user id that writes ``0`` to it enters the group.

        They are also added to ``opened``, one by one, so that the caller can close them if one cannot be opened.
        """
        found = []
        for directory in self.directories:
            found.append(os.open(f"{directory}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC))
            opened.append(found[-1])
        return found


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """The directories in which this process may create control groups: at most one for each controller."""

    parents: dict[str, Path] = field(default_factory=dict)
    unified: bool = False

    @classmethod
    def probe(cls, root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")) -> ControlGroups:
        """Find the directories without writing anything. The result is empty if no group may be created."""
        try:
            lines = [line.split(":", 2) for line in membership.read_text().splitlines()]
        except FileNotFoundError:
            return cls()
        paths = {name: path for _, names, path in lines for name in names.split(",")}
        if (root / "cgroup.controllers").exists():
            return cls._unified(root, root / paths.get("", "/").lstrip("/"))
        parents = {
            name: root / name / paths[name].lstrip("/")
            for name in _FILES_V1
            if name in paths and os.access(root / name / paths[name].lstrip("/"), os.W_OK)
        }
        return cls({name: path for name, path in parents.items() if path.is_dir()})

    @classmethod
    def _unified(cls, root: Path, own: Path) -> ControlGroups:
        # A group that contains processes cannot delegate controllers: use the nearest ancestor that does.
        for parent in (own, *own.parents):
            if not parent.is_relative_to(root):
                break
            try:
                granted = set((parent / "cgroup.subtree_control").read_text().split())
            except FileNotFoundError:
                continue
            if granted & _FILES_V2.keys():
                if not os.access(parent, os.W_OK):
                    break
                return cls({name: parent for name in _FILES_V2 if name in granted}, unified=True)
        return cls()

    def verified(self, user: int | None, looks: int = TRIAL_LOOKS) -> ControlGroups:
        """Return these directories if a group can be created and a process of ``user`` can enter it; else none.

        Creates a group for the trial, and tries ``looks`` times to remove it.
        """
        if not self.parents:
            return self
        name = f"reading-room-trial-{secrets.token_hex(4)}"
        entrances: list[int] = []
        try:
            self.create(name, Limits()).open_entrances(entrances)
            script = " && ".join(f"echo 0 >&{entrance}" for entrance in entrances)
            command = ["/bin/bash", "--noprofile", "--norc", "-c", script]
            subprocess.run(
                command, env={}, pass_fds=entrances, user=user, group=user, check=True, capture_output=True, timeout=10
            )
        except (OSError, subprocess.SubprocessError) as error:
            _log.info("no control groups for containers (%s): resource limits instead", error)
            return ControlGroups()
        finally:
            for entrance in entrances:
                os.close(entrance)
            # The process that entered has ended, but the kernel may need a moment to notice.
            for _ in range(looks):
                if not remove_directories(self.paths(name)):
                    break
                time.sleep(0.005)
        return self

    def create(self, name: str, limits: Limits, weight: int = 100) -> ControlGroup:
        """Create a container's control group with its limits and its weight, in hundredths of an ordinary process's.

        Raises ``OSError`` and leaves nothing behind then.
        """
        made: list[str] = []
        try:
            for directory in self.paths(name):
                os.mkdir(directory)
                made.append(directory)
            for controller, parent in self.parents.items():
                self._limit(parent / name, controller, limits, weight)
        except OSError:
            remove_directories(made)
            raise
        return ControlGroup(tuple(made), tuple(self.parents))

    def paths(self, name: str) -> list[str]:
        """Return the directories of a container's control group, whether or not they exist."""
        return [str(parent / name) for parent in dict.fromkeys(self.parents.values())]

    def _limit(self, directory: Path, controller: str, limits: Limits, weight: int) -> None:
        if controller == "memory":
            (directory / (_FILES_V2 if self.unified else _FILES_V1)[controller]).write_text(str(limits.memory_bytes))
            # Without this, a container swaps instead of being killed.
            swap = directory / ("memory.swap.max" if self.unified else "memory.memsw.limit_in_bytes")
            if swap.exists():
                swap.write_text("0" if self.unified else str(limits.memory_bytes))
        elif controller == "pids":
            (directory / "pids.max").write_text(str(limits.processes + OVERHEAD_PROCESSES))
        else:
            quota = max(1000, int(limits.cpus * 100_000))
            if self.unified:
                (directory / "cpu.max").write_text(f"{quota} 100000")
                (directory / "cpu.weight").write_text(str(weight))
            else:
                (directory / "cpu.cfs_period_us").write_text("100000")
                (directory / "cpu.cfs_quota_us").write_text(str(quota))
                (directory / "cpu.shares").write_text(str(1024 * weight // 100))

    def in_force(self) -> tuple[str, ...]:
        """Return the limits that this host can enforce, each with its mechanism."""
        named = [f"{_NAMES[name]} (control group)" for name in self.parents]
        if "memory" not in self.parents:
            named.append("memory (address space of each process)")
        if "pids" not in self.parents:
            named.append("processes (resource limit)")
        return (*sorted(named), "seconds (agent)")

    def priority(self) -> list[str]:
        """Return the beginning of a job's command line, which lowers its priority if no control group can."""
        return [] if "cpu" in self.parents else ["/usr/bin/nice", "-n", str(JOB_NICE)]

    def resource_limits(self, limits: Limits) -> list[str]:
        """Return the arguments of ``prlimit`` for limits that no control group enforces.

        They are set inside the container, because outside it a process limit would count all processes of the user.
        """
        arguments = ["--core=0:0", "--nofile=1024:1024", f"--nproc={limits.processes}:{limits.processes}"]
        if "memory" not in self.parents:
            arguments.append(f"--as={limits.memory_bytes}:{limits.memory_bytes}")
        return arguments


def used_cpu(directories: Sequence[str]) -> float | None:
    """Return the processor time in seconds that a container's control group has counted; ``None`` if none counts it."""
    for directory in map(Path, directories):
        try:
            if (stat := directory / "cpu.stat").exists() and "usage_usec " in (text := stat.read_text()):
                return int(text.partition("usage_usec ")[2].split()[0]) / 1e6
            if (usage := directory / "cpuacct.usage").exists():
                return int(usage.read_text()) / 1e9
        except (OSError, ValueError):
            continue
    return None


def remove_directories(directories: Sequence[str]) -> list[str]:
    """Remove a container's control group; return the directories that are still busy, to try again later."""
    busy: list[str] = []
    for directory in directories:
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            continue
        except OSError:
            busy.append(directory)
    return busy


def delegate_controllers(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> tuple[str, ...]:
    """Make the parent of this process's group delegate its controllers, so that containers get groups there.

    This is for a systemd unit with a delegated control group that runs in a subgroup (``DelegateSubgroup=``). Returns
    the controllers; none if the parent is not delegated, is of version 1, or does not exist.
    """
    own = next((line.split("::", 1)[1] for line in membership.read_text().splitlines() if line.startswith("0::")), "/")
    above = (root / own.strip().lstrip("/")).parent
    if not above.is_relative_to(root) or not _delegated(above):
        return ()
    offered = (above / "cgroup.controllers").read_text().split()
    controllers = tuple(name for name in _FILES_V2 if name in offered)
    try:
        (above / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
    except OSError as error:  # It contains processes.
        _log.info("%s delegates no controllers (%s)", above, error)
        return ()
    return controllers


def _delegated(group: Path) -> bool:
    """Return whether systemd has marked a group as delegated: we must not change any other one."""
    for attribute in ("trusted.delegate", "user.delegate"):
        try:
            if os.getxattr(group, attribute) == b"1":
                return True
        except OSError:
            continue  # It has no such mark, or this user cannot read it.
    return False
