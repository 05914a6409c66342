"""When the containers of traced jobs passed their steps. The agent only reports it; it sends no traces itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from reading_room.agent.spec import ContainerTimes
from reading_room.containers.spec import ContainerSpec, ContainerState


class TracedContainers:
    """The times of the containers that a spec wants and whose jobs are traced. ``clock`` returns seconds since 1970.

    A container that the agent takes over from an earlier one has only the times that this agent saw.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._times: dict[str, ContainerTimes] = {}

    def want(self, containers: Iterable[ContainerSpec]) -> None:
        """Note which containers are wanted from now on; forget the others."""
        known, self._times = self._times, {}
        for each in containers:
            if each.job.traceparent:
                found = known.get(each.container_id)
                self._times[each.container_id] = found or ContainerTimes(each.container_id, self._clock())

    def hand_over(self, container_id: str) -> None:
        """Note that a container has its job."""
        if (found := self._times.get(container_id)) is not None:
            self._times[container_id] = replace(found, handed_at=self._clock())

    def times(self, states: Iterable[ContainerState]) -> tuple[ContainerTimes, ...]:
        """Return the times, after noting which containers have ended."""
        if not self._times:
            return ()
        for state in states:
            found = self._times.get(state.container_id)
            if found is not None and not found.ended_at and state.phase in ("exited", "lost"):
                self._times[state.container_id] = replace(found, ended_at=self._clock())
        return tuple(self._times.values())
