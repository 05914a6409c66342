"""The seam between the wish for containers and whatever runs them."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from reading_room.analysis.kind import EngineName
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec


class ContainerDriver(Protocol):
    """Runs containers. Used by one thread at a time; nothing here waits longer than a process start."""

    def adopt(self) -> None:
        """Find the containers of an earlier agent and take them over; clean up after those that ended."""
        ...

    def reserve(self, spec: ContainerSpec) -> int:
        """Return an open descriptor of the network namespace for this container, claiming one started ahead if it can.

        Called again for the same container it returns the same namespace.
        """
        ...

    def start(self, spec: ContainerSpec) -> None:
        """Hand the job over: its interface is in place. Called again for the same container, it does nothing."""
        ...

    def stop(self, container_id: str) -> None:
        """Ask the worker to finish early (SIGTERM); it writes what it has and exits."""
        ...

    def remove(self, container_id: str) -> None:
        """End the container if it lives, and forget it and its namespace. Unknown ids are no error."""
        ...

    def states(self) -> Sequence[ContainerState]:
        """Return what is known of every container that was reserved and not removed, realtime ones excluded."""
        ...

    def keep_standby(self, wish: Mapping[EngineName, int]) -> None:
        """Start or end waiting containers until there are so many of each engine."""
        ...

    def standby(self) -> Mapping[EngineName, int]:
        """Count the waiting containers that are loaded, by engine."""
        ...

    def keep_realtime(self, wish: Sequence[RealtimeSpec]) -> Mapping[str, socket.socket]:
        """Start or end realtime containers; return the server's end of the socket of each newly started one, by id."""
        ...

    def close(self) -> None:
        """End what waits; leave running jobs alone."""
        ...
