"""The server's end of an agent's connection, which records what arrives, and a flow event to report."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from reading_room.agent.frames import Greeting, Lease, LeaseRequest
from reading_room.agent.spec import HostReport
from reading_room.dataplane.spec import FlowEvent, ListenerLabel


class Received:
    """What arrived at the server's end, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.agents: list[Greeting] = []
        self.reports: list[HostReport] = []
        self.flow_events: list[FlowEvent] = []
        self.known: tuple[ListenerLabel, ...] | None = None
        self.fronts: dict[str, socket.socket] = {}
        self.sockets: dict[str, socket.socket] = {}
        self.lease_seconds = 10
        """The answer to requests for leases; each begins a new epoch unless it is held."""

    def connected(self, agent: Greeting) -> None:
        self.events.append("connected")
        self.agents.append(agent)

    def disconnected(self) -> None:
        self.events.append("disconnected")

    def report(self, report: HostReport) -> None:
        self.events.append("report")
        self.reports.append(report)

    def flows(self, events: Sequence[FlowEvent]) -> None:
        self.events.append("flows")
        self.flow_events.extend(events)

    def listeners(self, labels: Sequence[ListenerLabel]) -> None:
        self.events.append("listeners")
        self.known = tuple(labels)

    def front(self, vpc_id: str, sock: socket.socket) -> None:
        self.events.append("front")
        self.fronts[vpc_id] = sock

    def lease(self, request: LeaseRequest) -> Lease | None:
        self.events.append("lease")
        return Lease(request.renewal, self.lease_seconds, request.epoch + (not request.held))

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        self.events.append("realtime")
        self.sockets[container_id] = sock


def flow(number: int) -> FlowEvent:
    return FlowEvent("vpc-0a", "eni-0a", "egress", "10.0.0.5", "1.1.1.1", number, 80, 6, 1, 60, 0.0, 1.0, "ACCEPT")
