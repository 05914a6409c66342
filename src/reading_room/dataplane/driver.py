"""The seam between the wish for a network and whatever makes it so."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reading_room.dataplane.spec import FlowEvent, ListenerLabel, NetworkReport, NetworkSpec


class NetworkDriver(Protocol):
    """Makes the whole network so. Used by one thread at a time.

    ``realize`` may be called twice with the same wish, and at any time after a crash. Where a VPC cannot be made so,
    its old rules stay whole and the report says so.
    """

    def realize(self, spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        """Make the network what ``spec`` says.

        ``namespaces`` maps a container's id to an open descriptor of its network namespace; an interface whose
        ``container_id`` is not among them gets no wire yet and is not reported as in place.
        """
        ...

    def listeners(self) -> Mapping[ListenerLabel, socket.socket]:
        """Return the sockets that listen inside the VPCs now. The driver keeps owning them."""
        ...

    def flows(self) -> Sequence[FlowEvent]:
        """Return the flow events gathered since the last call, oldest first.

        After an interface was removed by ``realize``, the next call has everything that was seen at it.
        """
        ...

    def flows_told(self) -> Callable[[], None]:
        """Return what to call, in any thread, once the server has what ``flows`` returned so far.

        Until then the driver after this one gives it again, should this one end.
        """
        ...

    def close(self) -> None:
        """Let go of descriptors and threads; the network itself stays as it is."""
        ...
