"""Passes an agent's messages to their receivers: reports, flow events, listeners, realtime sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

from reading_room.agent.frames import Greeting, Lease, LeaseRequest
from reading_room.agent.spec import ENFORCEMENT, MODELS, RESOURCES, HostReport
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.realtime import RealtimePool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HostState:
    """What is currently known about the host's agent."""

    connected: bool = False
    proven: bool | None = None
    """Whether it has proven that the network is enforced; ``None`` until it has reported."""
    latest: HostReport | None = None
    """Its newest report."""
    heard_at: float = 0.0
    """When that arrived, in seconds of ``time.monotonic``."""
    agent: Greeting | None = None
    """The version of the agent; ``None`` while none is connected."""

    @property
    def models(self) -> str | None:
        """What is missing for engines to work; ``None`` if nothing is known to be."""
        return self._problem(MODELS)

    @property
    def short(self) -> str | None:
        """What the agent itself is short of, in a sentence; ``None`` if nothing is known."""
        return self._problem(RESOURCES)

    def _problem(self, about: str) -> str | None:
        problems = () if self.latest is None else self.latest.problems
        return next((problem.message for problem in problems if problem.about == about), None)

    def lacks(self) -> str | None:
        """Return why no container on the host can analyse a text, ``None`` if nothing is known to be in the way."""
        if not self.connected:
            return "the agent, which starts containers, is not running"
        return "the agent could not prove that the network is enforced" if self.proven is False else self.models


class ServerSide:
    """Implements ``hosts.channel.AgentEvents``; its methods run in the connection's reading thread."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        listeners: VpcListeners,
        realtime: RealtimePool,
        take_report: Callable[[HostReport], None],
        take_flows: Callable[[Sequence[FlowEvent]], None],
        interfaces_seen: Callable[[Set[str]], None],
        interface_gone: Callable[[str], None],
        agent_replaced: Callable[[], None],
        renew: Callable[[LeaseRequest], Lease | None] = lambda request: None,
        agent: str = "the agent",
    ) -> None:
        """``renew`` answers a host's requests for leases; by default there is none. ``agent`` is its name in logs."""
        self._agent = agent
        self._loop = loop
        self._listeners = listeners
        self._realtime = realtime
        self._take_report = take_report
        self._take_flows = take_flows
        self._interfaces_seen = interfaces_seen
        self._interface_gone = interface_gone
        self._agent_replaced = agent_replaced
        self._renew = renew
        self._met = False
        self.state = HostState()
        self._interfaces: frozenset[str] = frozenset()
        self._logged: frozenset[str] = frozenset()

    def connected(self, agent: Greeting) -> None:
        """Handle a new connection; any but the first replaces an agent that ended."""
        if self._met:
            self._agent_replaced()
        self._met = True
        self.state = HostState(connected=True, agent=agent)
        log.info("%s is connected, of version %s", self._agent, agent.program)

    def disconnected(self) -> None:
        """Handle the end of the connection. The fronts accept no more, but finish what they have accepted."""
        self.state = HostState()
        log.warning("%s is gone: nothing listens in VPCs until the next one opens its own", self._agent)
        self._realtime.forget_all()

    def report(self, report: HostReport) -> None:
        """Pass a report on; log each problem once; close the flow log windows of interfaces that are gone."""
        proven = all(problem.about != ENFORCEMENT for problem in report.problems)
        self.state = replace(self.state, connected=True, proven=proven, latest=report, heard_at=time.monotonic())
        if self.state.lacks() is not None:
            # Calls that wait for a container get the reason at once.
            self._realtime.forget_all()
        problems = frozenset(f"{problem.about}: {problem.message}" for problem in report.problems)
        if report.refused:
            problems |= {f"generation {report.generation} was refused whole: {report.refused}"}
        for text in sorted(problems - self._logged):
            log.error("%s reports %s", self._agent, text)
        self._logged = problems
        present = frozenset(report.interfaces)
        if new := present - self._interfaces:
            self._interfaces_seen(new)
        for interface in sorted(self._interfaces - present):
            self._interface_gone(interface)
        self._interfaces = present
        self._take_report(report)

    def flows(self, events: Sequence[FlowEvent]) -> None:
        """Pass flow events on."""
        log.debug("%d flow events, of %s", len(events), sorted({event.interface_id for event in events}))
        self._take_flows(events)

    def listeners(self, labels: Sequence[ListenerLabel]) -> None:
        """Answer requests through these listeners, and through no others."""
        # Handled before the report of the same turn, because a job may start as soon as that is handled.
        self._loop.call_soon_threadsafe(self._listeners.know, tuple(labels))

    def front(self, vpc_id: str, sock: socket.socket) -> None:
        """Answer the front of a VPC."""
        self._loop.call_soon_threadsafe(self._listeners.attach, vpc_id, sock)

    def lease(self, request: LeaseRequest) -> Lease | None:
        """Answer a request for a lease. Without an answer the host's lease ends, and with it the host's containers."""
        return self._renew(request)

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        """Hand a realtime container's socket to the pool."""
        self._realtime.arrived(container_id, sock)
