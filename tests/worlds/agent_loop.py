"""A loop of the agent with drivers in memory, and a channel whose other end is the test."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Sequence

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.agent.lease import LeaseKeeper
from reading_room.agent.loop import AgentLoop
from reading_room.agent.memory import MemoryFronts
from reading_room.agent.shortages import Shortages
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.containers.memory import MemoryContainerDriver, Outcome
from reading_room.dataplane.memory import MemoryNetworkDriver
from reading_room.dataplane.spec import FlowEvent, ListenerLabel, Problem


class Recorder:
    """A channel whose other end is the test."""

    def __init__(self, spec: HostSpec | None = None) -> None:
        self.newest = spec
        self.fault = ""
        self.fresh = True
        self.there = True
        self.sent: list[object] = []
        self.sockets: dict[str, socket.socket] = {}
        self.fronts: dict[str, socket.socket] = {}
        self.asked: list[LeaseRequest] = []
        self.leases: list[Lease] = []

    def spec(self) -> tuple[HostSpec | None, str]:
        return self.newest, self.fault

    def take_fresh(self) -> bool:
        fresh, self.fresh = self.fresh, False
        return fresh

    def connected(self) -> bool:
        return self.there

    def send_flows(self, events: Sequence[FlowEvent], sent: Callable[[], None]) -> None:
        self.sent.append(tuple(events))
        sent()

    def send_listeners(self, labels: Collection[ListenerLabel]) -> None:
        self.listeners = tuple(labels)

    def send_front(self, vpc_id: str, end: socket.socket) -> bool:
        self.fronts[vpc_id] = end
        return self.there

    def send_realtime(self, container_id: str, end: socket.socket) -> bool:
        self.sockets[container_id] = end
        return True

    def send_report(self, report: HostReport) -> None:
        self.sent.append(report)

    def ask_for_lease(self, request: LeaseRequest) -> None:
        self.asked.append(request)

    def take_leases(self) -> Sequence[Lease]:
        taken, self.leases = self.leases, []
        return taken


class World:
    """A loop with everything around it."""

    def __init__(self, spec: HostSpec | None = None, enforcement: tuple[Problem, ...] = ()) -> None:
        self.network = MemoryNetworkDriver()
        self.containers = MemoryContainerDriver(outcome=Outcome(exit_code=None))
        self.channel = Recorder(spec)
        self.fronts = MemoryFronts()
        self.seconds = 1000.0
        """What the loop's clock shows."""
        self.loop = AgentLoop(
            self.network,
            self.containers,
            self.channel,
            self.fronts,
            enforcement,
            clock=lambda: self.seconds,
            lease=LeaseKeeper(clock=lambda: self.seconds),
            short=Shortages(lambda: "", clock=lambda: self.seconds),
        )

    def turn(self, spec: HostSpec | None = None) -> HostReport:
        if spec is not None:
            self.channel.newest = spec
        report = self.loop.turn()
        assert report is not None
        return report

    @property
    def calls(self) -> list[str]:
        return [call for call, _ in self.containers.calls]
