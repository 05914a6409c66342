"""One turn of the agent, and the loop that takes turns.

The order of a turn is the argument for its safety: containers that are no longer wanted end, the network is made so,
containers whose interfaces are in place get their jobs, then what holds is reported. What only saves time later,
containers started ahead, comes last.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reading_room.agent.capacity import read_capacity
from reading_room.agent.check import check
from reading_room.agent.errors import SpecRefused
from reading_room.agent.fronts import Fronts
from reading_room.agent.spec import HostReport, HostSpec, StandbyWish
from reading_room.containers.driver import ContainerDriver
from reading_room.containers.errors import ContainerError, ContainerNamespaceGone
from reading_room.containers.spec import ContainerSpec
from reading_room.dataplane.driver import NetworkDriver
from reading_room.dataplane.spec import FlowEvent, ListenerLabel, NetworkReport, Problem

_log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
"""A turn is taken at least so often: flow events are gathered, and whatever no event told is noticed."""
LOADING_SECONDS = 0.1
"""And so often while an engine loads, whose end no event tells."""
QUIET_SECONDS = 0.3
"""Loading an engine takes a processor for half a second; it waits so long after a job began, for small jobs to end."""
HEARTBEAT_SECONDS = 10.0
"""A report that says nothing new is sent so often all the same."""


class Containers(ContainerDriver, Protocol):
    """What the loop needs of a container driver beyond the seam."""

    def realtime(self) -> Sequence[str]:
        """Return the ids of the realtime containers that live."""
        ...

    def problems(self) -> Mapping[str, str]:
        """Return why containers that no job depends on could not be kept."""
        ...

    def loading(self) -> bool:
        """Return whether a waiting container still loads its engine."""
        ...

    def process_descriptors(self) -> Sequence[int]:
        """Return descriptors that become readable when a container ends."""
        ...

    def end_all(self) -> None:
        """End every container, running jobs included."""
        ...


class Channel(Protocol):
    """What the loop needs of the conversation with the server."""

    def wish(self) -> tuple[HostSpec | None, str]:
        """Return the newest wish, and why a later one could not be read."""
        ...

    def take_fresh(self) -> bool:
        """Return whether a server connected since the last call."""
        ...

    def connected(self) -> bool:
        """Return whether a server is there."""
        ...

    def send_flows(self, events: Sequence[FlowEvent], told: Callable[[], None]) -> None:
        """Send flow events; ``told`` is called, in any thread, once the server can read all of them."""
        ...

    def send_listeners(self, labels: Collection[ListenerLabel]) -> None:
        """Send the list of listeners, if it changed."""
        ...

    def send_front(self, vpc_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of the channel to a front; return whether there is a server."""
        ...

    def send_realtime(self, container_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of a realtime container."""
        ...

    def send_report(self, report: HostReport) -> None:
        """Send a report."""
        ...


@dataclass(slots=True)
class AgentLoop:
    """Takes turns. ``network`` is ``None`` when enforcement could not be proven: then no container runs.

    ``enforcement`` says what the proof found wrong; with anything in it nothing is started, whatever is wished.
    ``clock`` tells seconds.
    """

    network: NetworkDriver | None
    containers: Containers
    channel: Channel
    fronts: Fronts
    enforcement: tuple[Problem, ...] = ()
    host: str | None = None
    """The host that this agent is, learned from the first document that comes."""
    clock: Callable[[], float] = time.monotonic
    _wish: HostSpec | None = None
    _seen: HostSpec | None = None
    _refused: str = ""
    _problems: list[Problem] = field(default_factory=list)
    _last_report: HostReport | None = None
    _reported_at: float = 0.0
    _busy_until: float = 0.0
    _started: set[str] = field(default_factory=set)

    def turn(self) -> HostReport | None:
        """Take one turn; return what was found, ``None`` while no wish has come."""
        self._read_wish()
        fresh = self.channel.take_fresh()
        wish = self._wish
        if wish is None:
            if self._refused:
                self.channel.send_report(HostReport(self.host or "", 0, refused=self._refused))
            return None
        self._problems = list(self.enforcement)
        self._end_unwanted(wish)
        network = self._realize(wish)
        self._serve_listeners(wish, fresh)
        self._start(wish, network)
        report = self._report(wish, network, fresh)
        self._keep_ahead(wish, fresh)
        return report

    def seconds_to_next_turn(self) -> float:
        """Return how long the loop may sleep if nothing happens."""
        now = self.clock()
        seconds = LOADING_SECONDS if self.containers.loading() else TURN_SECONDS
        return min(seconds, self._busy_until - now) if self._busy_until > now else seconds

    def _read_wish(self) -> None:
        wish, fault = self.channel.wish()
        if fault or wish is None:
            self._refused = fault
            return
        if wish is self._seen:
            return
        self._seen = wish
        self._refused = ""
        newest = self._wish.generation if self._wish is not None else 0
        try:
            check(wish, self.host or wish.host, newest)
        except SpecRefused as error:
            _log.error("%s", error)
            self._refused = error.reason
            return
        self.host = wish.host
        self._wish = wish

    def _end_unwanted(self, wish: HostSpec) -> None:
        wanted = {container.container_id for container in wish.containers}
        for state in self.containers.states():
            if state.container_id not in wanted:
                self.containers.remove(state.container_id)
                self._started.discard(state.container_id)

    def _realize(self, wish: HostSpec) -> NetworkReport:
        if self.network is None:
            return NetworkReport((), (), ())
        namespaces: dict[str, int] = {}
        for container in wish.containers if not self.enforcement else ():
            descriptor = self._reserve(container)
            if descriptor is not None:
                namespaces[container.container_id] = descriptor
        report = self.network.realize(wish.network, namespaces)
        self._problems += report.problems
        return report

    def _reserve(self, container: ContainerSpec) -> int | None:
        try:
            return self.containers.reserve(container)
        except ContainerNamespaceGone:
            return None
        except (ContainerError, OSError) as error:
            _log.error("container %s: %s", container.container_id, error)
            self._problems.append(Problem(container.container_id, str(error)))
            return None

    def _start(self, wish: HostSpec, network: NetworkReport) -> None:
        vpcs, interfaces = set(network.vpcs), set(network.interfaces)
        failed = {problem.about for problem in self._problems}
        for container in wish.containers:
            container_id = container.container_id
            if container.stop:
                self.containers.stop(container_id)
            elif (
                container_id not in self._started
                and container_id not in failed
                and container.vpc_id in vpcs
                and container.vpc_id not in failed
                and container.interface_id in interfaces
                and container.interface_id not in failed
                and not self.enforcement
            ):
                try:
                    self.containers.start(container)
                except (ContainerError, OSError) as error:
                    _log.error("container %s: %s", container_id, error)
                    self._problems.append(Problem(container_id, str(error)))
                    continue
                self._started.add(container_id)
                self._busy_until = self.clock() + QUIET_SECONDS

    def _report(self, wish: HostSpec, network: NetworkReport, fresh: bool) -> HostReport:
        if self.network is not None:
            flows = self.network.flows()
            if flows:
                self.channel.send_flows(flows, self.network.flows_told())
        self._problems += [Problem(about, text) for about, text in self.containers.problems().items()]
        report = HostReport(
            host=wish.host,
            generation=wish.generation,
            vpcs=network.vpcs,
            interfaces=network.interfaces,
            containers=tuple(self.containers.states()),
            standby=tuple(StandbyWish(engine, count) for engine, count in sorted(self.containers.standby().items())),
            realtime=tuple(self.containers.realtime()),
            problems=tuple(self._problems),
            refused=self._refused,
        )
        now = self.clock()
        if fresh or report != self._last_report or now - self._reported_at > HEARTBEAT_SECONDS:
            self._last_report, self._reported_at = report, now
            # Free memory alone, which is never twice the same, is no reason for a report.
            report = replace(report, capacity=read_capacity())
            self.channel.send_report(report)
        return report

    def _serve_listeners(self, wish: HostSpec, fresh: bool) -> None:
        if self.network is None:
            return
        listeners = self.network.listeners()
        # The server learns of a listener before it learns of anybody who may ask by it.
        self.channel.send_listeners(listeners)
        self.fronts.arrange({container.vpc_id for container in wish.containers}, listeners)
        self.fronts.attach(self.channel.send_front, fresh=fresh)
        self._problems += [Problem(about, text) for about, text in self.fronts.problems().items()]

    def _keep_ahead(self, wish: HostSpec, fresh: bool) -> None:
        if self.enforcement:
            return
        # Whoever connects now has no end of an older container's socket: such a container is of no use any more.
        if fresh or not self.channel.connected():
            self.containers.keep_realtime(())
        if self.channel.connected():
            for container_id, end in self.containers.keep_realtime(wish.realtime).items():
                self.channel.send_realtime(container_id, end)
        if self.clock() >= self._busy_until:
            self.containers.keep_standby({each.engine: each.count for each in wish.standby})


@dataclass(slots=True)
class Waker:
    """Wakes the loop from other threads and from signal handlers."""

    descriptor: int = field(default_factory=lambda: os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))

    def wake(self) -> None:
        """Make the loop take a turn soon."""
        os.eventfd_write(self.descriptor, 1)

    def wait(self, descriptors: Sequence[int], seconds: float) -> set[int]:
        """Wait for a wake-up, for one of the descriptors to become readable, or for the time to pass.

        Returns the descriptors that are readable.
        """
        poll = select.poll()
        for descriptor in (self.descriptor, *descriptors):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)}
        if self.descriptor in ready:
            os.eventfd_read(self.descriptor)
        return ready
