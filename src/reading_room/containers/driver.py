"""The interface between the spec's containers and the driver that runs them."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from reading_room.analysis.kind import EngineName
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec


class ContainerDriver(Protocol):
    """Runs containers. Used by one thread at a time; no method waits longer than the start of a process."""

    def adopt(self) -> None:
        """Find the containers of an earlier agent and take them over; clean up after those that ended."""
        ...

    def reserve(self, spec: ContainerSpec) -> int:
        """Return an open descriptor of this container's network namespace, if possible of one started ahead.

        Another call for the same container returns the same namespace.
        """
        ...

    def start(self, spec: ContainerSpec) -> None:
        """Hand the job over, once its interface exists. Another call for the same container does nothing."""
        ...

    def stop(self, container_id: str) -> None:
        """Tell the worker to finish early (SIGTERM); it writes what it has and exits."""
        ...

    def remove(self, container_id: str) -> None:
        """End the container if it is alive, and forget it and its namespace. Unknown ids are ignored."""
        ...

    def states(self) -> Sequence[ContainerState]:
        """Return the state of every container that was reserved and not removed, except realtime ones."""
        ...

    def keep_standby(self, wanted: Mapping[EngineName, int]) -> None:
        """Start or end waiting containers until there are as many of each engine as wanted."""
        ...

    def standby(self) -> Mapping[EngineName, int]:
        """Return the number of waiting containers that have loaded, by engine."""
        ...

    def keep_realtime(self, wanted: Sequence[RealtimeSpec]) -> Mapping[str, socket.socket]:
        """Start or end realtime containers; return the server's end of the socket of each newly started one, by id."""
        ...

    def close(self) -> None:
        """End waiting containers; leave running jobs alone."""
        ...
