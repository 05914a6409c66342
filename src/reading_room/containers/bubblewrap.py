"""Containers with bubblewrap: no images, no daemon. The agent's driver on Linux.

Every container starts the same way: in its own empty network namespace, loading its engine, and waiting for one line on
its standard input. A claim assigns it to a job, the network driver puts the job's interface into its namespace, and the
hand-over writes the line. A container started ahead was only started before its claim. It serves one job and ends.

Only the agent has the writing end of that standard input. When the agent dies, containers that still wait read the end
of the file and end by themselves. Those that have their line continue, and the next agent finds their records.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.analysis.kind import EngineName
from reading_room.containers import seccomp
from reading_room.containers.calls import CONTAINER
from reading_room.containers.errors import (
    ContainerError,
    ContainerNamespaceGone,
    ContainerNotReserved,
    LaunchFailed,
    ProgramMissing,
)
from reading_room.containers.launch import Launch, launch, memory_file
from reading_room.containers.limits import JOB_WEIGHT, ControlGroups, remove_directories
from reading_room.containers.living import LivingContainer, network_of, same_mounts
from reading_room.containers.messages import WorkerMessages
from reading_room.containers.namespaces import new_network_namespace
from reading_room.containers.processes import ProcessHandle, boot_id, worker_of
from reading_room.containers.reader import Reader, ReaderProcess
from reading_room.containers.record import Folder, Record
from reading_room.containers.retries import Retries, Use
from reading_room.containers.sandbox import View, bubblewrap_options, code_paths, environment, resolver_text
from reading_room.containers.spec import ContainerSpec, ContainerState, Limits, RealtimeSpec
from reading_room.containers.users import UserIds, WouldRunAsHostRoot, host_user_id

_log = logging.getLogger(__name__)

PROGRAMS: Mapping[str, Sequence[str]] = {
    "job": (sys.executable, "-I", "-m", "reading_room.analysis.worker"),
    "realtime": (sys.executable, "-I", "-m", "reading_room.analysis.realtime"),
}
"""The programs that run in containers, by kind. The server cannot name another program."""

ENDED_BY_STOP = 143
ENDED_BY_TIME = 124
ENDED_FOR_OUTPUT = 65
"""The worker wrote something that is not a message."""


@dataclass(slots=True)
class BubblewrapDriver:
    """Implements ``ContainerDriver``.

    ``state`` is a folder for the agent alone. ``view`` holds the files that containers see. ``users`` are their user
    ids; ``None`` means the agent's own, which must not be the host's user 0. ``standby_limits`` are the limits of
    containers started ahead: a job with other limits gets a new container. ``settle`` is how long it waits for the end
    of several containers, in seconds; what is left then is removed later.
    """

    state: Path
    view: View
    users: UserIds | None
    region: str
    standby_limits: Limits = field(default_factory=Limits)
    code: Sequence[Path] = field(default_factory=code_paths)
    programs: Mapping[str, Sequence[str]] = field(default_factory=lambda: PROGRAMS)
    groups: ControlGroups = field(default_factory=ControlGroups.probe)
    reader: Reader | None = None
    """Reads what workers wrote; by default a separate process."""
    settle: float = 2.0
    _filter: bytes = b""
    _known: list[LivingContainer] = field(default_factory=list)
    _ending: list[LivingContainer] = field(default_factory=list)
    _retries: Retries = field(default_factory=Retries)

    def __post_init__(self) -> None:
        """Check the requirements of every start. Raises ``WouldRunAsHostRoot`` and ``ProgramMissing``."""
        if self.users is None and host_user_id(os.geteuid()) == 0:
            raise WouldRunAsHostRoot()
        needed = {"/usr/bin/bwrap": "bubblewrap", "/usr/bin/prlimit": "util-linux", "/bin/bash": "bash"}
        for program, package in needed.items():
            if not os.access(program, os.X_OK):
                raise ProgramMissing(program, package)
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)
        self._filter = seccomp.program(CONTAINER)
        self.reader = self.reader or ReaderProcess(None if self.users is None else self.users.reader)
        self.groups = self.groups.verified(None if self.users is None else self.users.first)

    def adopt(self) -> None:
        """Take over running jobs; end containers that waited for the previous agent or answered synchronous calls."""
        for folder in Folder.all(self.state):
            if (record := folder.read()) is None:
                # The previous agent died between two steps of a start: there may be a control group, but no process.
                remove_directories(self.groups.paths(_group_name(folder)))
                folder.remove()
                continue
            container = LivingContainer(folder, record, self._words(folder))
            if record.boot == boot_id() and record.pid:
                container.handle = ProcessHandle.open(record.pid, record.process_started)
            self._known.append(container)
            # An agent of version 0.1.0 or before wrote seconds since 1970.
            record.handed_at = min(record.handed_at, time.monotonic())
            if record.kind == "realtime" or record.phase in ("waiting", "claimed"):
                self._discard(container)
            elif container.handle is not None and not same_mounts(container.handle.pid):
                # Its holder is gone, and with it the router of its interface, so its job begins again.
                try:
                    container.kill()
                except PermissionError:
                    _log.warning("container %s is in another user namespace: it ends by itself", record.container_id)
            elif container.handle is not None:
                container.network = network_of(container.handle.pid)

    def reserve(self, spec: ContainerSpec) -> int:
        """Return the network namespace of the job's container.

        Raises ``ContainerNamespaceGone`` if it has ended under another agent, and ``ContainerError`` or ``OSError`` if
        none can be started.
        """
        container = self._find(spec.container_id)
        if container is None:
            container = self._claim(spec)
        if container.network is None:
            raise ContainerNamespaceGone(spec.container_id)
        return container.network

    def start(self, spec: ContainerSpec) -> None:
        """Hand the job over. Raises ``ContainerNotReserved`` and ``BadNameServers``.

        It is no error if the process has ended before it took its job: the state shows that.
        """
        container = self._find(spec.container_id)
        if container is None:
            raise ContainerNotReserved(spec.container_id)
        if container.record.phase != "claimed" or container.stdin is None:
            return
        line = json.dumps(
            {
                "environment": {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": spec.credentials_path},
                "resolver": resolver_text(spec),
                "job": dataclasses.asdict(spec.job),
            }
        )
        container.record.phase = "handing"
        container.record.handed_at = time.monotonic()
        try:
            container.folder.write(container.record)
        except OSError:
            container.record.phase = "claimed"  # Nothing was handed over; the next turn tries again.
            raise
        # Unbuffered: closing a buffered file would try again to write what a broken pipe did not take.
        with open(container.stdin, "wb", buffering=0) as pipe:
            container.stdin = None
            left = memoryview(line.encode() + b"\n")
            try:
                while left:
                    left = left[pipe.write(left) :]
            except BrokenPipeError:
                _log.warning("container %s ended before it took its job", spec.container_id)
        container.record.phase = "running"
        container.save()

    def stop(self, container_id: str) -> None:
        """Send SIGTERM to the worker once; end a container that has no job yet."""
        container = self._find(container_id)
        if container is None or container.told_to_stop or not container.alive() or container.handle is None:
            return
        if container.record.phase == "claimed":
            container.end(ENDED_BY_STOP)
            container.told_to_stop = True
            return
        worker = worker_of(container.handle.pid)
        process = None if worker is None else ProcessHandle.open(worker)
        if process is not None:
            process.signal(signal.SIGTERM)
            process.close()
            container.told_to_stop = True

    def remove(self, container_id: str) -> None:
        """End the container and forget it; directories that are still busy are removed in later turns."""
        container = self._find(container_id)
        if container is not None:
            self._discard(container)

    def states(self) -> Sequence[ContainerState]:
        """Clean up containers that have ended, and return the states of the jobs' containers."""
        self._tidy()
        found: list[ContainerState] = []
        for container in list(self._known):
            container.save_again()
            if container.record.kind == "job" and container.record.phase != "waiting":
                state = self._state(container)
                if state is not None:
                    found.append(state)
        return found

    def keep_standby(self, wanted: Mapping[EngineName, int]) -> None:
        """Start or end waiting containers; an engine that does not load is retried at growing intervals."""
        self._tidy()
        waiting: Counter[EngineName] = Counter()
        for container in self._waiting():
            engine = container.record.engine
            if not container.alive():
                self._died_early(container, Use(f"standby {engine}"))
            elif container.words.fault:
                container.kill()
            elif waiting[engine] >= wanted.get(engine, 0):
                self._discard(container)
            else:
                waiting[engine] += 1
                if container.words.ready():
                    self._retries.worked(Use(f"standby {engine}"))
        for engine, count in wanted.items():
            while waiting[engine] < count and self._retries.may_start(Use(f"standby {engine}")):
                started_at = time.time()
                record = Record(
                    "job", engine, self.standby_limits, boot_id(), started_ahead=True, started_at=started_at
                )
                try:
                    self._start(record)
                except (LaunchFailed, OSError) as error:
                    self._retries.failed(Use(f"standby {engine}"), str(error))
                    break
                waiting[engine] += 1

    def standby(self) -> Mapping[EngineName, int]:
        """Return the number of waiting containers that have loaded, by engine."""
        return Counter(c.record.engine for c in self._waiting() if c.words.ready() and c.alive())

    def keep_realtime(self, wanted: Sequence[RealtimeSpec]) -> Mapping[str, socket.socket]:
        """Start or end realtime containers. The caller owns the sockets."""
        specs = {spec.container_id: spec for spec in wanted}
        uses = {each.container_id: Use(f"realtime {each.engine}", each.account, each.model) for each in wanted}
        self._retries.forget("realtime ", set(uses.values()))
        living: set[str] = set()
        for container in [c for c in self._known if c.record.kind == "realtime"]:
            if not container.alive():
                self._died_early(container, container.use or Use(f"realtime {container.record.engine}"))
            elif container.record.container_id not in specs:
                self._discard(container)
            else:
                living.add(container.record.container_id)
        started: dict[str, socket.socket] = {}
        for container_id, spec in specs.items():
            use = uses[container_id]
            if container_id in living or not self._retries.may_start(use):
                continue
            limits, now = self.standby_limits.for_calls(), time.time()
            record = Record("realtime", spec.engine, limits, boot_id(), container_id=container_id, started_at=now)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                try:
                    self._start(record, theirs.fileno()).use = use
                except (LaunchFailed, OSError) as error:
                    ours.close()
                    self._retries.failed(use, str(error))
                    continue
            started[container_id] = ours
        return started

    def realtime(self) -> Sequence[str]:
        """Return the ids of the living realtime containers."""
        return [c.record.container_id for c in self._known if c.record.kind == "realtime" and c.alive()]

    def problems(self) -> Mapping[str, str]:
        """Return why containers that no job depends on could not be kept running, by kind and engine."""
        return self._retries.problems()

    def living(self) -> Sequence[LivingContainer]:
        """Return the containers that it manages, to measure them."""
        return self._known

    def loading(self) -> bool:
        """Return whether a waiting container still loads its engine."""
        return any(not c.words.ready() for c in self._waiting())

    def process_descriptors(self) -> Sequence[int]:
        """Return a descriptor for each living container, which becomes readable when the container ends."""
        return [c.handle.pidfd for c in self._known if c.handle is not None and c.alive()]

    def close(self) -> None:
        """End containers that wait or answer synchronous calls; leave running jobs alone."""
        for container in list(self._known):
            if container.record.kind == "realtime" or container.record.phase in ("waiting", "claimed"):
                self._discard(container)
            else:
                container.close()
                self._known.remove(container)
        self._settle()
        if self.reader is not None:
            self.reader.close()

    def end_jobs(self) -> None:
        """End every container of a job. The records of those that had begun stay, so that they are reported as lost."""
        for container in [c for c in self._known if c.record.phase == "claimed"]:
            self._discard(container)
        running = [c for c in self._known if c.record.kind == "job" and c.record.phase in ("handing", "running")]
        for container in running:
            container.kill()
        end = time.monotonic() + self.settle
        for container in running:
            while container.alive() and time.monotonic() < end:
                time.sleep(0.002)
            while container.record.control_groups and time.monotonic() < end:
                container.record.control_groups = tuple(remove_directories(container.record.control_groups))
                time.sleep(0.002)
            container.save()

    def end_all(self) -> None:
        """End every container, including running jobs, whose records stay, so that they are reported as lost."""
        self.end_jobs()
        self.close()

    def _words(self, folder: Folder) -> WorkerMessages:
        assert self.reader is not None
        return WorkerMessages(folder.messages, folder.diagnostics, self.reader)

    def _find(self, container_id: str) -> LivingContainer | None:
        for container in self._known:
            if container.record.container_id == container_id and container.record.kind == "job":
                return container
        return None

    def _waiting(self) -> list[LivingContainer]:
        return [c for c in self._known if c.record.kind == "job" and c.record.phase == "waiting"]

    def _claim(self, spec: ContainerSpec) -> LivingContainer:
        wanted = (spec.engine, spec.limits)
        fitting = [c for c in self._waiting() if (c.record.engine, c.record.limits) == wanted and c.alive()]
        fitting.sort(key=lambda c: not c.words.ready())
        if fitting:
            container = fitting[0]
            container.record.container_id = spec.container_id
            container.record.phase = "claimed"
            container.folder.write(container.record)
            return container
        record = Record("job", spec.engine, spec.limits, boot_id(), "claimed", spec.container_id)
        record.started_at = time.time()
        return self._start(record)

    def _start(self, record: Record, passed: int | None = None) -> LivingContainer:
        folder = Folder.create(self.state)
        container = LivingContainer(folder, record, self._words(folder))
        opened: list[int] = []
        try:
            if self.users is not None:
                used = {c.record.user for c in (*self._known, *self._ending) if c.record.user is not None}
                record.user = self.users.take(used)
            entrances: list[int] = []
            if self.groups.parents:
                weight = JOB_WEIGHT if record.kind == "job" else 100
                group = self.groups.create(_group_name(folder), record.limits, weight)
                record.control_groups = tuple(group.directories)
                entrances = group.open_entrances(opened)
            # Written before the process exists, so that the next agent can clean up whatever happens from here on.
            folder.write(record)
            folder.write_programs(self.view.programs)
            messages, diagnostics, code = folder.create_files(opened)
            program = memory_file("seccomp", self._filter)
            opened.append(program)
            options = memory_file(
                "options",
                "\0".join(bubblewrap_options(self.view, self.code, environment(self.region), program)).encode(),
            )
            opened.append(options)
            container.network = new_network_namespace()
            stdin, container.stdin = os.pipe2(os.O_CLOEXEC) if passed is None else (_nothing_to_read(), None)
            opened.append(stdin)
            container.child = launch(
                Launch(
                    options=options,
                    command=self._command(record),
                    network=container.network,
                    user=record.user,
                    stdin=stdin,
                    messages=messages,
                    diagnostics=diagnostics,
                    exit=code,
                    seccomp=program,
                    groups=entrances,
                    passed=passed,
                )
            )
            container.handle = ProcessHandle.open(container.child.pid)
            if container.handle is not None:
                record.pid, record.process_started = container.handle.pid, container.handle.started
                folder.write(record)
        except (OSError, subprocess.SubprocessError, ContainerError) as error:
            container.kill()
            self._ending.append(container)
            self._tidy()
            raise LaunchFailed(record.engine, str(error)) from error
        finally:
            for descriptor in opened:
                os.close(descriptor)
        self._known.append(container)
        return container

    def _command(self, record: Record) -> list[str]:
        worker = [*self.programs[record.kind], "--engine", record.engine]
        # bubblewrap adds PWD to the environment that it is given.
        return [
            *(self.groups.priority() if record.kind == "job" else ()),
            *("/usr/bin/env", "-u", "PWD", "/usr/bin/prlimit"),
            *self.groups.resource_limits(record.limits),
            "--",
            *worker,
        ]

    def _state(self, container: LivingContainer) -> ContainerState | None:
        record = container.record
        messages = container.words.read()
        state = ContainerState(
            container_id=record.container_id,
            phase="starting",
            messages=messages,
            started_ahead=record.started_ahead,
            limits_in_force=self.groups.in_force(),
        )
        alive = container.alive()
        if alive and container.words.fault:
            _log.error("container %s is ended: %s", record.container_id, container.words.fault)
            container.end(ENDED_FOR_OUTPUT)
        if alive or container.words.behind:
            if record.handed_at and time.monotonic() - record.handed_at > record.limits.seconds:
                container.end(ENDED_BY_TIME)
            loaded = record.phase == "running" and container.words.ready()
            return dataclasses.replace(state, phase="running" if loaded else "starting")
        # The process ends after its last message: read again, now that nothing more can be written.
        messages, diagnostics = container.words.read(), container.words.diagnostics()
        state = dataclasses.replace(state, messages=messages, diagnostics=diagnostics)
        code = container.exit_code()
        if record.phase == "handing" and len(state.messages) <= 1:
            # The previous agent died while it wrote the job: this process never got it, so another one may.
            self._discard(container)
            return None
        if code is None:
            return dataclasses.replace(state, phase="lost")
        return dataclasses.replace(state, phase="exited", exit_code=code)

    def _died_early(self, container: LivingContainer, use: Use) -> None:
        code = container.folder.exit_code()
        said = container.words.fault or container.words.diagnostics()
        # One line, because a container's output must not look like lines of our own log.
        problem = f"ended by itself with exit code {code}: {' | '.join(said.splitlines())[-500:] or 'no output'}"
        if code == 0:
            # The server closed the socket of a realtime container, which is no problem.
            problem = ""
        else:
            _log.warning("%s %s", use.about, problem)
        self._retries.failed(use, problem, time.time() - container.record.started_at)
        self._discard(container)

    def _discard(self, container: LivingContainer) -> None:
        container.kill()
        self._known.remove(container)
        self._ending.append(container)
        self._tidy()

    def _tidy(self) -> None:
        for container in list(self._ending):
            try:
                if container.remove():
                    self._ending.remove(container)
            except OSError as error:
                # For example for lack of file descriptors; the next turn tries again.
                _log.error("what is left of %d containers cannot be removed yet: %s", len(self._ending), error)
                return

    def _settle(self) -> None:
        end = time.monotonic() + self.settle
        while self._ending and time.monotonic() < end:
            self._tidy()
            time.sleep(0.005)


def _group_name(folder: Folder) -> str:
    return f"reading-room-{folder.path.name}"


def _nothing_to_read() -> int:
    return os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
