"""One turn of the agent, and the loop that takes turns.

The order of the steps keeps a turn safe: if the host's lease has ended, all its containers end; unwanted containers
end, the network is realized, packets may pass for as long as the lease lasts, containers whose interfaces exist get
their jobs, and then the actual state is reported. Containers started ahead, which only save time later, come last.
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
from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.agent.fronts import Fronts
from reading_room.agent.in_force import InForce
from reading_room.agent.lease import LeaseKeeper
from reading_room.agent.shortages import Shortages
from reading_room.agent.spec import LEASE, RESOURCES, HostReport, HostSpec, StandbyCount, UnderlayAddress
from reading_room.agent.traced import TracedContainers
from reading_room.agent.usage import Meter
from reading_room.containers.driver import ContainerDriver
from reading_room.containers.errors import ContainerError, ContainerNamespaceGone
from reading_room.containers.spec import ContainerSpec
from reading_room.dataplane.driver import NetworkDriver
from reading_room.dataplane.spec import FlowEvent, ListenerLabel, NetworkReport, Problem

_log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
"""The longest time between turns, which gather flow events and notice changes without an event."""
LOADING_SECONDS = 0.1
"""The same while an engine loads, because no event says when it has loaded."""
QUIET_SECONDS = 0.3
"""Loading an engine takes half a second of processor time; after a job begins it waits, so that small jobs can end."""
HEARTBEAT_SECONDS = 10.0
"""A report is sent at least this often, even if nothing has changed."""


class Containers(ContainerDriver, Protocol):
    """What the loop needs of a container driver beyond ``ContainerDriver``."""

    def realtime(self) -> Sequence[str]:
        """Return the ids of the living realtime containers."""
        ...

    def problems(self) -> Mapping[str, str]:
        """Return why containers that no job depends on could not be kept running."""
        ...

    def loading(self) -> bool:
        """Return whether a waiting container still loads its engine."""
        ...

    def process_descriptors(self) -> Sequence[int]:
        """Return descriptors that become readable when a container ends."""
        ...

    def end_jobs(self) -> None:
        """End every container that has or gets a job; those that had begun are then lost. Others stay."""
        ...

    def end_all(self) -> None:
        """End every container, running jobs included."""
        ...


class Channel(Protocol):
    """What the loop needs of the connection to the server."""

    def spec(self) -> tuple[HostSpec | None, str]:
        """Return the newest spec, and why a later one could not be read."""
        ...

    def take_fresh(self) -> bool:
        """Return whether a server has connected since the last call."""
        ...

    def connected(self) -> bool:
        """Return whether a server is connected."""
        ...

    def send_flows(self, events: Sequence[FlowEvent], sent: Callable[[], None]) -> None:
        """Send flow events; ``sent`` is called, in any thread, once the server can read all of them."""
        ...

    def send_listeners(self, labels: Collection[ListenerLabel]) -> None:
        """Send the list of listeners, if it changed."""
        ...

    def send_front(self, vpc_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of the channel to a front; return whether a server is connected."""
        ...

    def send_realtime(self, container_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of a realtime container's socket; return whether a server is connected."""
        ...

    def send_report(self, report: HostReport) -> None:
        """Send a report."""
        ...

    def ask_for_lease(self, request: LeaseRequest) -> None:
        """Send a request for a lease."""
        ...

    def take_leases(self) -> Sequence[Lease]:
        """Return the answers to such requests since the last call."""
        ...


@dataclass(slots=True)
class AgentLoop:
    """Takes turns. ``network`` is ``None`` if enforcement could not be proven: then no container runs.

    ``enforcement`` holds the problems that the proof found; if there are any, nothing is started. ``clock`` returns
    monotonic seconds.
    """

    network: NetworkDriver | None
    containers: Containers
    channel: Channel
    fronts: Fronts
    enforcement: tuple[Problem, ...] = ()
    lacking: tuple[Problem, ...] = ()
    """What this installation lacks for jobs to succeed, for the reports."""
    host: str | None = None
    """The name of this agent's host, from the first document that arrives."""
    clock: Callable[[], float] = time.monotonic
    meter: Meter | None = None
    """What measures the turns and the containers for the metrics, if they are on."""
    traced: TracedContainers = field(default_factory=TracedContainers)
    short: Shortages = field(default_factory=lambda: Shortages(lacks=lambda: ""))
    """What this process is short of."""
    lease: LeaseKeeper = field(default_factory=LeaseKeeper)
    """The lease of this host, if it shares VPCs with others."""
    tunnel_key: str = ""
    tunnel_port: int = 0
    """The public key of the underlay's encryption, for the reports."""
    underlay: Callable[[], tuple[UnderlayAddress, ...]] = tuple
    """Returns the addresses of an underlay without encryption, for the reports."""
    prepare: Callable[[], object] = tuple
    """Prepares what all containers share; called once, before the first one is wanted."""
    in_force: InForce = field(default_factory=InForce)
    """Tells programs of this machine what is in force, if it shares VPCs with others."""
    _spec: HostSpec | None = None
    _seen: HostSpec | None = None
    _refused: str = ""
    _problems: list[Problem] = field(default_factory=list)
    _last_report: HostReport | None = None
    _reported_at: float = 0.0
    _busy_until: float = 0.0
    _started: set[str] = field(default_factory=set)
    _prepared: bool = False
    _renewed: tuple[float, NetworkReport] | None = None
    """Until when packets may pass in the kernel, and for which network that was said."""

    def turn(self) -> HostReport | None:
        """Take one turn; return the report, ``None`` until a spec has arrived."""
        began = self.clock()
        report = self._turn()
        if self.meter is not None:
            self.meter.turned(self.clock() - began)
        return report

    def _turn(self) -> HostReport | None:
        # A host that was paused has other containers than the server believes, so nothing comes before this.
        if self.lease.take(self.channel.take_leases()):
            self.containers.end_jobs()
            self.lease.gone()
        self._read_spec()
        fresh = self.channel.take_fresh()
        self._ask_for_lease(fresh)
        spec = self._spec
        if spec is None:
            if self._refused:
                self.channel.send_report(HostReport(self.host or "", 0, refused=self._refused))
            return None
        self._problems = [*self.enforcement, *self.lacking]
        spec = self._leased(spec)
        if not self._prepared and (spec.containers or spec.standby or spec.realtime):
            self.prepare()
            self._prepared = True
        self.traced.want(spec.containers)
        self._end_unwanted(spec)
        network = self._realize(spec)
        self._let_packets_pass(spec, network)
        self._serve_listeners(spec, fresh)
        self._start(spec, network)
        report = self._report(spec, network, fresh)
        self._tell_in_force(spec, report)
        self._keep_ahead(spec, fresh)
        return report

    def lacked(self, error: BaseException) -> bool:
        """Report at once that a turn ended because the machine lacked something; return false for any other error.

        No other report follows while turns end like this, so that the server notices the silence.
        """
        if not self.short.note(error):
            return False
        before, problems = self._last_report, self.short.problems()
        if before is not None and not set(problems) <= set(before.problems):
            others = (each for each in before.problems if each.about != RESOURCES)
            self._last_report = replace(before, problems=(*others, *problems))
            self.channel.send_report(self._last_report)
        return True

    def seconds_to_next_turn(self) -> float:
        """Return how long the loop may sleep if nothing happens."""
        now = self.clock()
        seconds = LOADING_SECONDS if self.containers.loading() else TURN_SECONDS
        seconds = min(seconds, self.lease.seconds_to_next())
        return min(seconds, self._busy_until - now) if self._busy_until > now else seconds

    def _read_spec(self) -> None:
        spec, fault = self.channel.spec()
        if fault or spec is None:
            self._refused = fault
            return
        if spec is self._seen:
            return
        self._seen = spec
        self._refused = ""
        newest = self._spec.generation if self._spec is not None else 0
        try:
            check(spec, self.host or spec.host, newest)
        except SpecRefused as error:
            _log.error("%s", error)
            self._refused = error.reason
            return
        self.host = spec.host
        self._spec = spec

    def _ask_for_lease(self, fresh: bool) -> None:
        if self._spec is not None and self._spec.network.underlay is None:
            self.lease.release()
        elif self._spec is not None:
            self.lease.share()
        if self.channel.connected() and (request := self.lease.request(fresh=fresh)) is not None:
            self.channel.ask_for_lease(request)

    def _leased(self, spec: HostSpec) -> HostSpec:
        """Return the spec, without containers if they belong to another lease than the one that the host holds.

        What has ended with its lease stays until the server no longer wants it, so that it is reported.
        """
        if spec.network.underlay is None or self.lease.covers(spec.epoch):
            return spec
        self._problems.append(Problem(LEASE, f"this host has no lease of epoch {spec.epoch}: no container runs"))
        ended = {state.container_id for state in self.containers.states() if state.phase in ("exited", "lost")}
        containers = tuple(each for each in spec.containers if each.container_id in ended)
        return replace(spec, containers=containers, realtime=())

    def _let_packets_pass(self, spec: HostSpec, network: NetworkReport) -> None:
        """Let the packets of VPCs on several hosts pass for as long as the lease lasts, if it is the spec's."""
        if self.network is None or spec.network.underlay is None:
            self._renewed = None
            return
        until = self.lease.granted_until() if self.lease.covers(spec.epoch) else 0.0
        # Another report may mean another table, whose set is empty.
        if self._renewed is not None and self._renewed[0] == until and self._renewed[1] is network:
            return
        problems = self.network.renew_lease(self.lease.seconds_left() if until else 0)
        self._renewed = None if problems else (until, network)
        self._problems += problems

    def _end_unwanted(self, spec: HostSpec) -> None:
        wanted = {container.container_id for container in spec.containers}
        for state in self.containers.states():
            if state.container_id not in wanted:
                self.containers.remove(state.container_id)
                self._started.discard(state.container_id)

    def _realize(self, spec: HostSpec) -> NetworkReport:
        if self.network is None:
            return NetworkReport((), (), ())
        namespaces: dict[str, int] = {}
        for container in spec.containers if not self.enforcement else ():
            descriptor = self._reserve(container)
            if descriptor is not None:
                namespaces[container.container_id] = descriptor
        report = self.network.realize(spec.network, namespaces)
        self._problems += report.problems
        return report

    def _reserve(self, container: ContainerSpec) -> int | None:
        try:
            return self.containers.reserve(container)
        except ContainerNamespaceGone:
            return None
        except (ContainerError, OSError) as error:
            _log.error("container %s: %s", container.container_id, error)
            self.short.note(error)
            self._problems.append(Problem(container.container_id, str(error)))
            return None

    def _start(self, spec: HostSpec, network: NetworkReport) -> None:
        vpcs, interfaces = set(network.vpcs), set(network.interfaces)
        failed = {problem.about for problem in self._problems}
        for container in spec.containers:
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
                    self.short.note(error)
                    self._problems.append(Problem(container_id, str(error)))
                    continue
                self._started.add(container_id)
                self.traced.hand_over(container_id)
                self._busy_until = self.clock() + QUIET_SECONDS

    def _report(self, spec: HostSpec, network: NetworkReport, fresh: bool) -> HostReport:
        if self.network is not None:
            flows = self.network.flows()
            if flows:
                self.channel.send_flows(flows, self.network.flows_told())
        self._problems += [Problem(about, text) for about, text in self.containers.problems().items()]
        self._problems += self.short.problems()
        states = tuple(self.containers.states())
        report = HostReport(
            host=spec.host,
            generation=spec.generation,
            vpcs=network.vpcs,
            interfaces=network.interfaces,
            containers=states,
            standby=tuple(StandbyCount(engine, count) for engine, count in sorted(self.containers.standby().items())),
            realtime=tuple(self.containers.realtime()),
            problems=tuple(self._problems),
            refused=self._refused,
            traced=self.traced.times(states),
            tunnel_key=self.tunnel_key,
            tunnel_port=self.tunnel_port,
        )
        now = self.clock()
        if fresh or report != self._last_report or now - self._reported_at > HEARTBEAT_SECONDS:
            self._last_report, self._reported_at = report, now
            # Free memory and usage, which change all the time, are no reason for a report.
            usage = None if self.meter is None else self.meter.usage()
            report = replace(report, capacity=read_capacity(), usage=usage, underlay=self.underlay())
            self.channel.send_report(report)
        return report

    def _tell_in_force(self, spec: HostSpec, report: HostReport) -> None:
        if spec.network.underlay is None:
            self.in_force.end()
            return
        ended = {state.container_id for state in report.containers if state.phase in ("exited", "lost")}
        self.in_force.tell(
            spec.generation,
            leased=self.lease.covers(spec.epoch),
            problem=self._refused or next((each.message for each in self.enforcement), ""),
            containers={each.container_id for each in spec.containers} - ended,
        )

    def _serve_listeners(self, spec: HostSpec, fresh: bool) -> None:
        if self.network is None:
            return
        listeners = self.network.listeners()
        # The server must know a listener before it gets requests through it.
        self.channel.send_listeners(listeners)
        self.fronts.arrange({container.vpc_id for container in spec.containers}, listeners)
        self.fronts.attach(self.channel.send_front, fresh=fresh)
        self._problems += [Problem(about, text) for about, text in self.fronts.problems().items()]

    def _keep_ahead(self, spec: HostSpec, fresh: bool) -> None:
        if self.enforcement:
            return
        # A server that connects now has no socket to an older container, which has therefore become useless.
        if fresh or not self.channel.connected():
            self.containers.keep_realtime(())
        if self.channel.connected():
            for container_id, end in self.containers.keep_realtime(spec.realtime).items():
                self.channel.send_realtime(container_id, end)
        if self.clock() >= self._busy_until:
            self.containers.keep_standby({each.engine: each.count for each in spec.standby})


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
