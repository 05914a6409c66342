"""What an agent tells, taken to those who wait for it: reports, flow events, listeners, realtime sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence, Set

from reading_room.agent.spec import HostReport
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.realtime import RealtimePool

log = logging.getLogger(__name__)


class ServerSide:
    """Implements ``hosts.channel.AgentEvents``; its methods run in the connection's reading thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listeners: VpcListeners,
        realtime: RealtimePool,
        take_report: Callable[[HostReport], None],
        take_flows: Callable[[Sequence[FlowEvent]], None],
        interfaces_seen: Callable[[Set[str]], None],
        interface_gone: Callable[[str], None],
        agent_replaced: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._listeners = listeners
        self._realtime = realtime
        self._take_report = take_report
        self._take_flows = take_flows
        self._interfaces_seen = interfaces_seen
        self._interface_gone = interface_gone
        self._agent_replaced = agent_replaced
        self._met = False
        self._served: dict[ListenerLabel, socket.socket] = {}
        self._interfaces: frozenset[str] = frozenset()
        self._said: frozenset[str] = frozenset()

    def connected(self) -> None:
        """Take note that an agent is there; a later one than the first took over from one that ended."""
        if self._met:
            self._agent_replaced()
        self._met = True
        log.info("the agent is connected")

    def disconnected(self) -> None:
        """Close what the agent opened: the next one opens the same addresses."""
        log.warning("the agent is gone: its listeners are closed until the next one brings its own")
        self._served.clear()
        self._realtime.forget_all()
        self._loop.call_soon_threadsafe(self._listeners.release)

    def report(self, report: HostReport) -> None:
        """Pass a report on; log each problem once; close the flow log windows of interfaces that are gone."""
        problems = frozenset(f"{problem.about}: {problem.message}" for problem in report.problems)
        if report.refused:
            problems |= {f"generation {report.generation} was refused whole: {report.refused}"}
        for text in sorted(problems - self._said):
            log.error("the agent reports %s", text)
        self._said = problems
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

    def listeners_replaced(self, listeners: Mapping[ListenerLabel, socket.socket]) -> None:
        """Serve what is new, and cut what is no longer there."""
        gone = [label for label in self._served if label not in listeners]
        new = {label: sock for label, sock in listeners.items() if self._served.get(label) is not sock}
        self._served = dict(listeners)
        # Served before the report of the same turn is taken: a job may start as soon as it is.
        asyncio.run_coroutine_threadsafe(self._replace(gone, new), self._loop).result(10)

    async def _replace(self, gone: list[ListenerLabel], new: dict[ListenerLabel, socket.socket]) -> None:
        for label in gone:
            self._listeners.remove(label)
        for label, sock in new.items():
            try:
                await self._listeners.add(label, sock)
            except OSError:
                log.exception("%s of %s cannot be served", label.kind, label.vpc_id)

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        """Hand a realtime container's socket to the pool."""
        self._realtime.arrived(container_id, sock)
