"""The interface of a network driver, which turns a network spec into a network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reading_room.dataplane.spec import FlowEvent, ListenerLabel, NetworkReport, NetworkSpec, Problem


class NetworkDriver(Protocol):
    """Realizes the network of one host. Used by one thread at a time.

    ``realize`` may be called twice with the same spec, and at any time after a crash. If a VPC cannot be realized, all
    its old rules stay in force, and the report says so.
    """

    def realize(self, spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        """Change the network to what ``spec`` says.

        ``namespaces`` maps a container's id to an open descriptor of its network namespace. An interface whose
        ``container_id`` is not among them gets no wire yet, and the report does not list it.
        """
        ...

    def listeners(self) -> Mapping[ListenerLabel, socket.socket]:
        """Return the sockets that listen inside the VPCs now. They still belong to the driver."""
        ...

    def flows(self) -> Sequence[FlowEvent]:
        """Return the flow events gathered since the last call, oldest first.

        After ``realize`` removed an interface, the next call returns everything that was seen at it.
        """
        ...

    def flows_told(self) -> Callable[[], None]:
        """Return a function to call, in any thread, once the server has what ``flows`` returned so far.

        If this driver ends before that call, the next driver returns the same events again.
        """
        ...

    def renew_lease(self, seconds: int) -> Sequence[Problem]:
        """Let the packets of every VPC that is on several hosts pass for so many seconds from now on, 0 for no longer.

        A VPC that ``realize`` has just created lets none pass. Return what went wrong.
        """
        ...

    def close(self) -> None:
        """Close descriptors and end threads; the network itself stays as it is."""
        ...
