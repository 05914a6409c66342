"""A network driver that keeps the network in memory: for tests, and for development without Linux.

It enforces nothing, so never run anything on it that must be confined. Its listeners are real sockets on the loopback
address, with ports that the system chooses. Flow events are put in by hand, with ``saw``.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence

from reading_room.dataplane.rules.compile import compile_vpc
from reading_room.dataplane.spec import (
    FlowEvent,
    ListenerLabel,
    NetworkReport,
    NetworkSpec,
    Problem,
)

LOOPBACK = "127.0.0.1"


class MemoryNetworkDriver:
    """A ``NetworkDriver`` without a network.

    It refuses what the Linux driver would refuse: a VPC that does not compile keeps its old state and is reported as a
    problem. ``broken`` holds ids of VPCs whose realization fails on purpose.
    """

    def __init__(self) -> None:
        self.spec = NetworkSpec((), ())
        """The last spec."""
        self.broken: set[str] = set()
        self.lease = 0
        """The seconds of the last ``renew_lease``."""
        self._interfaces: dict[str, tuple[str, ...]] = {}
        self._sockets: dict[ListenerLabel, socket.socket] = {}
        self._flows: list[FlowEvent] = []
        self.untold: list[FlowEvent] = []
        """The events that ``flows`` returned and that the server does not have yet."""

    def realize(self, spec: NetworkSpec, namespaces: Mapping[str, int]) -> NetworkReport:
        """Remember the spec. Report the interfaces whose container's namespace is among ``namespaces``."""
        self.spec = spec
        wanted: set[ListenerLabel] = set()
        problems: list[Problem] = []
        interfaces: dict[str, tuple[str, ...]] = {}
        for vpc in spec.vpcs:
            try:
                if vpc.vpc_id in self.broken:
                    raise ValueError(f"{vpc.vpc_id} is broken on purpose")
                router = compile_vpc(vpc, spec.prefix_lists, underlay=spec.underlay)
            except ValueError as error:
                problems.append(Problem(vpc.vpc_id, str(error)))
                if vpc.vpc_id in self._interfaces:
                    interfaces[vpc.vpc_id] = self._interfaces[vpc.vpc_id]
                wanted |= {label for label in self._sockets if label.vpc_id == vpc.vpc_id}
                continue
            wanted |= set(router.listeners)
            there = (link.interface_id for link in router.links if link.container_id in namespaces)
            interfaces[vpc.vpc_id] = tuple(there)
        for label in self._sockets.keys() - wanted:
            self._sockets.pop(label).close()
        for label in wanted - self._sockets.keys():
            self._sockets[label] = _listen(label)
        self._interfaces = interfaces
        failed = {problem.about for problem in problems}
        return NetworkReport(
            vpcs=tuple(vpc_id for vpc_id in interfaces if vpc_id not in failed),
            interfaces=tuple(each for vpc_id, there in interfaces.items() if vpc_id not in failed for each in there),
            problems=tuple(problems),
        )

    def listeners(self) -> Mapping[ListenerLabel, socket.socket]:
        """Return the sockets by label. The real address of a socket is its ``getsockname()``, not the label's."""
        return dict(self._sockets)

    def flows(self) -> Sequence[FlowEvent]:
        """Return the events that ``saw`` put in since the last call."""
        flows, self._flows = self._flows, []
        self.untold += flows
        return flows

    def flows_told(self) -> Callable[[], None]:
        """Return a function to call once the server has what ``flows`` returned so far."""
        return self.untold.clear

    def renew_lease(self, seconds: int) -> Sequence[Problem]:
        """Remember the seconds."""
        self.lease = seconds
        return ()

    def saw(self, *events: FlowEvent) -> None:
        """Put in events for the next call of ``flows``."""
        self._flows += events

    def close(self) -> None:
        """Close the sockets."""
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()


def _listen(label: ListenerLabel) -> socket.socket:
    datagrams = label.kind == "resolver-udp"
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    made.setblocking(False)
    made.bind((LOOPBACK, 0))
    if not datagrams:
        made.listen(128)
    return made
