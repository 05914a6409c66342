"""A joined host, as the server sees it: its agent and its fronts, behind the connections of its link.

The host is known by its certificate. It may say what its agent could say about the spec that it was sent, and nothing
else: what is about the VPCs, interfaces and containers of others is left out, and logged.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from reading_room.agent.frames import Greeting, Lease, LeaseRequest
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.aws.receive import AsgiApplication, Scope
from reading_room.codec import DocumentError
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.hosts.channel import AgentConversation, AgentEvents
from reading_room.hosts.few_lines import FewLines
from reading_room.hosts.front.lane import Lane
from reading_room.hosts.front.records import Head
from reading_room.hosts.front_ends import FrontEnd, RemoteFront, serve_lane
from reading_room.hosts.link.documents import OPENING_LIMIT, read_taken
from reading_room.hosts.link.streams import Documents, relay
from reading_room.hosts.listeners import VpcListeners
from reading_room.hosts.placed import Placed
from reading_room.vpc.endpoints.resolver import Found

log = logging.getLogger(__name__)

DOCUMENT_LIMIT = 16 << 20
"""The most bytes of a document of a joined host's agent. 20,000 flow events, the most in one, have about 5 MB."""
SPEC_SECONDS = 5.0
"""How long what a host sends waits for its spec, since it may come first when the host connects."""


class JoinedHost:
    """One joined host. Methods that take connections run in the event loop's thread, the others in any."""

    def __init__(
        self,
        name: str,
        listeners: VpcListeners,
        events: AgentEvents,
        loop: asyncio.AbstractEventLoop,
        online: Callable[[], None] = lambda: None,
    ) -> None:
        """``events`` gets what the host's agent reports of its own. ``listeners`` answer its fronts.

        ``online`` is called when the host has a new control connection, and needs its spec.
        """
        self.name = name
        self._needs_spec = online
        self._spec_known = asyncio.Event()
        """Set while the host is online and ``send`` was called since."""
        self._listeners = listeners
        self._loop = loop
        self._lines = FewLines(log)
        self._events = _OwnEvents(name, events, self._lines)
        self._conversation = AgentConversation(self._events, take_descriptors=False, limit=DOCUMENT_LIMIT)
        self._answers = _OwnAnswers(self._events, listeners, self._lines)
        self._fronts: set[FrontEnd] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.certificate = b""
        """The certificate of its newest control connection (DER)."""
        self._control: Documents | None = None
        self._talking: threading.Thread | None = None

    @property
    def connections(self) -> int:
        """How many connections the host has."""
        return len(self._tasks)

    @property
    def online(self) -> bool:
        """Whether the host has a control connection."""
        return self._control is not None

    def send(self, spec: HostSpec) -> None:
        """Send this spec now, or when an agent connects. Only the newest one counts. Never blocks."""
        self._events.place(spec)
        self._conversation.send(spec)
        self._loop.call_soon_threadsafe(self._spec_known.set)

    def lead(self, fence: int) -> None:
        """Greet the host's agent as the leader with this fence from now on. Never blocks."""
        self._conversation.lead(fence)

    def withdraw(self) -> None:
        """Place nothing on the host any more, because it has lost its lease. Its agent is not told."""
        self._events.place(None)

    def begin(self, work: Coroutine[Any, Any, None], connection: Documents) -> None:
        """Serve a connection by one of the methods below; it is closed at the end."""
        task = self._loop.create_task(self._until_end(work, connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_end(self, work: Coroutine[Any, Any, None], connection: Documents) -> None:
        try:
            await work
        except (OSError, DocumentError) as error:
            self._lines.warn(f"a connection of the host {self.name} ended: {error}")
        finally:
            connection.close()

    async def control(self, connection: Documents) -> None:
        """Talk to the host's agent. An earlier control connection ends, because its link has ended."""
        before, self._control = self._control, connection
        if before is not None:
            before.close()
        ours, theirs = socket.socketpair()
        previous = self._talking
        self._talking = threading.Thread(
            target=self._talk, args=(theirs, previous), name=f"host-{self.name}", daemon=True
        )
        try:
            self._talking.start()
        except BaseException:
            self._talking = previous
            ours.close()
            theirs.close()
            raise
        log.info("the host %s is connected", self.name)
        self._spec_known.clear()
        self._needs_spec()
        try:
            await relay(ours, connection)
        finally:
            if self._control is connection:
                self._control = None
                self._spec_known.clear()
                self._events.forget()
                log.warning("the host %s is disconnected", self.name)

    def _talk(self, sock: socket.socket, previous: threading.Thread | None) -> None:
        """Converse with the agent until its connection ends; the conversation before must have ended first."""
        if previous is not None:
            previous.join()
        try:
            self._conversation.converse(sock)
        except (MemoryError, RuntimeError) as error:  # No memory, or none for a thread.
            log.error("the conversation with the host %s failed: %s", self.name, error or "there is no memory")
            sock.close()

    async def front(self, connection: Documents, vpc_id: str) -> None:
        """Answer the front of a VPC. Raises ``DocumentError`` if the host has no part of it."""
        await self._until_spec()
        self._answers.check(vpc_id)
        front = RemoteFront(vpc_id, self._answers, self._fronts.discard, connection)
        self._fronts.add(front)
        await front.serve()

    async def lane(self, connection: Documents) -> None:
        """Answer the requests of a lane, once a front has taken it. Raises ``DocumentError``."""
        connection.limit = OPENING_LIMIT
        document = await connection.next()
        if document is None:
            return
        taken = read_taken(document)
        await self._until_spec()
        self._answers.check(taken.vpc_id)
        lane = Lane()
        connection.hand_over(lane)
        await serve_lane(lane, taken.vpc_id, self._answers)

    async def realtime(self, connection: Documents, container_id: str) -> None:
        """Hand over the bytes of a realtime container."""
        ours, theirs = socket.socketpair()
        self._events.realtime(container_id, theirs)
        await relay(ours, connection)

    async def _until_spec(self) -> None:
        """Wait until it is known what is placed on the host. Raises ``DocumentError`` and ``TimeoutError``."""
        if self._control is None:
            raise DocumentError("it is offline, so nothing is placed on it")
        async with asyncio.timeout(SPEC_SECONDS):
            await self._spec_known.wait()

    def close(self) -> None:
        """End every connection of the host."""
        for front in list(self._fronts):
            front.close()
        for task in list(self._tasks):
            task.cancel()


class _OwnEvents:
    """Passes on what a host's agent says of its own, and keeps what is placed on the host."""

    def __init__(self, host: str, events: AgentEvents, lines: FewLines) -> None:
        self._host = host
        self._events = events
        self._lines = lines
        self._lock = threading.Lock()
        self._known = threading.Event()
        """Set while ``placed`` is that of a spec."""
        self.placed = Placed()
        self._interfaces: set[tuple[str, str]] = set()
        """Those placed on the host, and those that it may still have to report flows of."""
        self._labels: tuple[ListenerLabel, ...] = ()
        self._told: tuple[ListenerLabel, ...] | None = None

    def place(self, spec: HostSpec | None) -> None:
        """Note the newest spec; ``None`` places nothing on the host."""
        placed = Placed(spec)
        with self._lock:
            self.placed = placed
            self._interfaces |= placed.interfaces
        self._known.set()
        self._tell()

    def forget(self) -> None:
        """Place nothing on the host, which is offline. Flows of its interfaces may still come later."""
        with self._lock:
            self.placed, self._labels = Placed(), ()
        self._known.clear()
        self._tell()

    def connected(self, agent: Greeting) -> None:
        """Pass on that an agent is there, which will send its list of listeners."""
        self._events.connected(agent)

    def disconnected(self) -> None:
        """Pass on that it is gone."""
        self._events.disconnected()

    def report(self, report: HostReport) -> None:
        """Pass on a report, without interfaces that were never placed on the host. Raises ``DocumentError``."""
        if report.host != self._host:
            raise DocumentError(f"the host {self._host} reports as {report.host}")
        self._known.wait(SPEC_SECONDS)
        with self._lock:
            own = {interface for _, interface in self._interfaces}
            if report.generation >= self.placed.generation:
                # The host has the newest spec in force, and sends flows before the report of the same turn.
                kept = set(report.interfaces)
                self._interfaces = {each for each in self._interfaces if each[1] in kept} | self.placed.interfaces
        self._events.report(report if own.issuperset(report.interfaces) else self._without_others(report, own))

    def _without_others(self, report: HostReport, own: set[str]) -> HostReport:
        others = [each for each in report.interfaces if each not in own]
        self._lines.warn(f"the host {self._host} reports {others[0]}, which is not placed on it")
        return replace(report, interfaces=tuple(each for each in report.interfaces if each in own))

    def flows(self, events: Sequence[FlowEvent]) -> None:
        """Pass on the flow events of interfaces that are or were placed on the host."""
        self._known.wait(SPEC_SECONDS)
        with self._lock:
            own = [each for each in events if (each.vpc_id, each.interface_id) in self._interfaces]
        if len(own) < len(events):
            self._lines.warn(f"the host {self._host} reports flows of interfaces that are not placed on it")
        self._events.flows(own)

    def listeners(self, labels: Sequence[ListenerLabel]) -> None:
        """Pass on the listeners that belong to the newest spec."""
        with self._lock:
            self._labels = tuple(labels)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            own = tuple(each for each in self._labels if self.placed.has_listener(each))
            if own != self._told:
                # Within the lock, so that an older list cannot follow a newer one.
                self._told = own
                self._events.listeners(own)

    def front(self, vpc_id: str, sock: socket.socket) -> None:
        """Refuse a socket, which cannot come from another machine."""
        sock.close()

    def lease(self, request: LeaseRequest) -> Lease | None:
        """Return the answer to a request for a lease of the host."""
        return self._events.lease(request)

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        """Pass on the socket of a realtime container."""
        self._events.realtime(container_id, sock)


class _OwnAnswers:
    """Answers a host's fronts in VPCs of which it has a part, and requests of clients that are placed on it."""

    def __init__(self, events: _OwnEvents, listeners: VpcListeners, lines: FewLines) -> None:
        self._events = events
        self._listeners = listeners
        self._lines = lines

    def check(self, vpc_id: str) -> None:
        """Raise ``DocumentError`` unless the host has a part of the VPC."""
        if not self._events.placed.has_vpc(vpc_id):
            raise DocumentError(f"it speaks for {vpc_id}, of which it has no part")

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return the records of a name and type; ``None`` to send no answer."""
        if not self._events.placed.has_vpc(vpc_id):
            return None
        return self._listeners.look_up(vpc_id, name, kind)

    async def certificate(self, vpc_id: str, endpoint_id: str | None) -> str | None:
        """Return the certificate and key of an endpoint, in PEM; ``None`` if the VPC has no listener of it here."""
        return await self._listeners.certificate(vpc_id, endpoint_id)

    async def find(self, vpc_id: str, head: Head) -> tuple[AsgiApplication, Scope]:
        """Return the application for a request, and its network path for the scope. Raises ``DocumentError``."""
        self.check(vpc_id)
        found = await self._listeners.find(vpc_id, head)
        label = self._listeners.label_of(vpc_id, head)
        if label is None or not self._events.placed.has_client(label, head.client):
            raise DocumentError(f"a request by {head.client}, which is not placed on the host")
        return found
