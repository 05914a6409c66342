"""A container driver in memory: for tests, and for development without Linux."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reading_room.analysis.job_file import Done, Ready, WorkerMessage
from reading_room.analysis.kind import EngineName
from reading_room.containers.errors import ContainerError, ContainerNotReserved
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a container ends once its job is handed over; it keeps running if ``exit_code`` is ``None``."""

    exit_code: int | None = 0
    messages: tuple[WorkerMessage, ...] = (Done(documents=1, errors=0, size=1, sha256="0" * 64),)
    diagnostics: str = ""


@dataclass(slots=True)
class MemoryContainerDriver:
    """Implements ``ContainerDriver`` without a process.

    ``outcomes`` has containers' ends by their ids; ``outcome`` is for all others. ``refusals`` has the reasons why
    reservations fail, by container id. ``calls`` records the calls in order. Descriptors are of an empty file.
    """

    outcome: Outcome = field(default_factory=Outcome)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    _states: dict[str, ContainerState] = field(default_factory=dict)
    _descriptors: dict[str, int] = field(default_factory=dict)
    _waiting: Counter[EngineName] = field(default_factory=Counter)
    _realtime: dict[str, RealtimeSpec] = field(default_factory=dict)

    def adopt(self) -> None:
        """Record the call; all containers stay."""
        self.calls.append(("adopt", ""))

    def reserve(self, spec: ContainerSpec) -> int:
        """Return a descriptor that stands for a namespace. Raises ``ContainerError`` for the ids in ``refusals``."""
        if spec.container_id in self.refusals:
            raise ContainerError(self.refusals[spec.container_id])
        if spec.container_id not in self._states:
            self.calls.append(("reserve", spec.container_id))
            ahead = self._waiting[spec.engine] > 0
            if ahead:
                self._waiting[spec.engine] -= 1
            self._states[spec.container_id] = ContainerState(
                spec.container_id, "starting", started_ahead=ahead, limits_in_force=("none",)
            )
            self._descriptors[spec.container_id] = os.memfd_create("namespace", os.MFD_CLOEXEC)
        return self._descriptors[spec.container_id]

    def start(self, spec: ContainerSpec) -> None:
        """End the container as ``outcomes`` says. Raises ``ContainerNotReserved``."""
        state = self._states.get(spec.container_id)
        if state is None:
            raise ContainerNotReserved(spec.container_id)
        if state.phase == "starting":
            self.calls.append(("start", spec.container_id))
            self._states[spec.container_id] = replace(state, phase="running", messages=(Ready(),))
            outcome = self.outcomes.get(spec.container_id, self.outcome)
            if outcome.exit_code is not None:
                self.finish(spec.container_id, outcome)

    def finish(self, container_id: str, outcome: Outcome) -> None:
        """End a running container now with this outcome."""
        state = self._states[container_id]
        self._states[container_id] = replace(
            state,
            phase="exited",
            exit_code=outcome.exit_code,
            messages=(*state.messages, *outcome.messages),
            diagnostics=outcome.diagnostics,
        )

    def lose(self, container_id: str) -> None:
        """Forget how a container ended, as if its launcher was killed."""
        self._states[container_id] = replace(self._states[container_id], phase="lost", exit_code=None)

    def stop(self, container_id: str) -> None:
        """End a running container like a worker that must finish early."""
        state = self._states.get(container_id)
        if state is not None and state.phase in ("starting", "running"):
            self.calls.append(("stop", container_id))
            stopped = Done(documents=0, errors=0, size=1, sha256="0" * 64, stopped=True)
            running = state.phase == "running"
            self.finish(container_id, Outcome(0, (stopped,)) if running else Outcome(143, ()))

    def remove(self, container_id: str) -> None:
        """Forget the container."""
        if self._states.pop(container_id, None) is not None:
            self.calls.append(("remove", container_id))
            os.close(self._descriptors.pop(container_id))

    def states(self) -> Sequence[ContainerState]:
        """Return the states of all containers."""
        return list(self._states.values())

    def keep_standby(self, wanted: Mapping[EngineName, int]) -> None:
        """Remember the number of waiting containers."""
        self._waiting = Counter(wanted)

    def standby(self) -> Mapping[EngineName, int]:
        """Return the number of waiting containers, by engine."""
        return dict(self._waiting)

    def keep_realtime(self, wanted: Sequence[RealtimeSpec]) -> Mapping[str, socket.socket]:
        """Return one end of a socket pair, whose other end is closed, for each new container."""
        specs = {spec.container_id: spec for spec in wanted}
        started: dict[str, socket.socket] = {}
        for container_id in specs.keys() - self._realtime.keys():
            started[container_id], other = socket.socketpair()
            other.close()
        self._realtime = specs
        return started

    def realtime(self) -> Sequence[str]:
        """Return the ids of realtime containers."""
        return list(self._realtime)

    def problems(self) -> Mapping[str, str]:
        """Return nothing, because containers in memory cannot fail."""
        return {}

    def loading(self) -> bool:
        """Return false, because nothing loads."""
        return False

    def process_descriptors(self) -> Sequence[int]:
        """Return nothing, because there are no processes."""
        return []

    def close(self) -> None:
        """Forget waiting and realtime containers."""
        self._waiting.clear()
        self._realtime.clear()

    def end_jobs(self) -> None:
        """Lose every running container, and forget those that got no job yet."""
        self.calls.append(("end jobs", ""))
        for state in self.states():
            if state.phase == "running":
                self.lose(state.container_id)
            elif state.phase == "starting":
                self.remove(state.container_id)

    def end_all(self) -> None:
        """Lose every running container."""
        self.end_jobs()
        self.close()
