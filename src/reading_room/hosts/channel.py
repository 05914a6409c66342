"""The server's end of the connection to a host's agent: specs go out; reports, flow events and sockets come in.

One thread connects, reads, and reconnects; another writes the newest spec. A spec that the agent already has
on this connection is not sent again.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from reading_room.agent.frames import (
    FRAME_LIMIT,
    Flows,
    FrameReader,
    FromAgent,
    FromServer,
    Front,
    Greeting,
    Lease,
    LeaseRequest,
    Listeners,
    Realtime,
    connected,
    read_greeting,
    send_frame,
)
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.codec import DocumentError, encode
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.hosts import reports

_log = logging.getLogger(__name__)

RETRY_SECONDS = 0.05
"""The agent starts at the same time as the server, and comes back soon after a crash."""
PAUSE_SECONDS = 1.0
"""How long a process that does not lead waits before it looks whether it should end."""
UNREADABLE_SECONDS = 2.0
"""After an unreadable message, the agent would send the same one again at once, so there is no hurry."""


class AgentEvents(Protocol):
    """The events of an agent's connection. All methods are called by the connection's single reading thread."""

    def connected(self, agent: Greeting) -> None:
        """Handle a new connection. The agent knows no spec yet, and will send all its listeners."""
        ...

    def disconnected(self) -> None:
        """Handle the end of the connection. The agent's networks, listeners and running jobs may live on."""
        ...

    def report(self, report: HostReport) -> None:
        """Handle a report."""
        ...

    def flows(self, events: Sequence[FlowEvent]) -> None:
        """Handle flow events, which come before the report of the same turn."""
        ...

    def listeners(self, labels: Sequence[ListenerLabel]) -> None:
        """Handle the list of all listeners that exist now."""
        ...

    def front(self, vpc_id: str, sock: socket.socket) -> None:
        """Take ownership of the channel to a VPC's front."""
        ...

    def lease(self, request: LeaseRequest) -> Lease | None:
        """Answer a request for a lease; ``None`` if that is not possible now."""
        ...

    def realtime(self, container_id: str, sock: socket.socket) -> None:
        """Take ownership of the stream socket of a realtime container that has started."""
        ...


class AgentConversation:
    """What ``serve`` and the agent of one host tell each other, over one connection after the other."""

    def __init__(self, events: AgentEvents, *, take_descriptors: bool = True, limit: int = FRAME_LIMIT) -> None:
        """``limit`` is the most bytes of a document that the agent sends."""
        self._events = events
        self._take_descriptors = take_descriptors
        self._limit = limit
        self._changed = threading.Condition()
        self._spec: HostSpec | None = None
        self._lease: Lease | None = None
        """The newest answer to a request for a lease, until it is sent."""
        self._socket: socket.socket | None = None
        self._fence = 0

    def send(self, spec: HostSpec) -> None:
        """Send this spec now, or when an agent connects. Only the newest one counts. Never blocks."""
        with self._changed:
            self._spec = spec
            self._changed.notify_all()

    def connected(self) -> bool:
        """Return whether an agent is connected."""
        with self._changed:
            return self._socket is not None

    def lead(self, fence: int) -> None:
        """Greet agents as the leader with this fence from now on. Never blocks."""
        with self._changed:
            self._fence = fence
            # What another leader has sent since is not known here.
            self._spec = None

    def converse(self, connection: socket.socket, unwanted: Callable[[], bool] = lambda: False) -> bool:
        """Read until the connection ends; return whether everything could be read. Blocks.

        ``unwanted`` says whether the connection should have ended before it was known here.
        """
        reader = FrameReader(connection, take_descriptors=self._take_descriptors, limit=self._limit)
        with self._changed:
            self._socket, self._lease = connection, None
        if unwanted():
            self._hang_up(connection)
        agent: Greeting | None = None
        told = False
        writer: threading.Thread | None = None
        try:
            started = threading.Thread(target=self._write, args=(connection,), name="agent-write", daemon=True)
            started.start()
            writer = started
            while (document := reader.read()) is not None:
                if agent is None:
                    agent = read_greeting(document)
                    self._events.connected(agent)
                    continue
                try:
                    message, faults = reports.read(document, newer=agent.newer)
                except DocumentError as error:
                    if not agent.newer:
                        raise
                    reader.drop()
                    if not told:
                        _log.warning("the agent is of version %s, and some of it is left out: %s", agent.program, error)
                    told = True
                    continue
                for fault in faults:
                    _log.error("the agent: %s", fault)
                self._take(message, reader)
        except OSError as error:
            _log.warning("the agent's connection ended: %s", error)
        except DocumentError as error:
            _log.error("the agent sent an unreadable message, so its connection is closed: %s", error)
            return False
        finally:
            self._hang_up(connection)
            if writer is not None:
                writer.join()
            reader.close()
            if agent is not None:
                self._events.disconnected()
        return True

    def _take(self, message: FromAgent, reader: FrameReader) -> None:
        body = message.body
        if isinstance(body, HostReport):
            self._events.report(body)
        elif isinstance(body, Flows):
            self._events.flows(body.events)
        elif isinstance(body, Realtime):
            self._events.realtime(body.container_id, reader.take())
        elif isinstance(body, Front):
            self._events.front(body.vpc_id, reader.take())
        elif isinstance(body, Listeners):
            self._events.listeners(body.labels)
        elif isinstance(body, LeaseRequest):
            lease = self._events.lease(body)
            with self._changed:
                self._lease = lease or self._lease
                self._changed.notify_all()

    def _write(self, connection: socket.socket) -> None:
        sent: HostSpec | None = None
        try:
            send_frame(connection, encode(Greeting(fence=self._fence)))
            while True:
                with self._changed:
                    while (
                        self._socket is connection
                        and self._lease is None
                        and (self._spec is None or self._spec == sent)
                    ):
                        sent = self._spec
                        self._changed.wait()
                    if self._socket is not connection:
                        return
                    lease, self._lease = self._lease, None
                    if lease is None:
                        sent = self._spec
                message = FromServer(sent) if lease is None else FromServer(None, "lease", lease)
                send_frame(connection, encode(message))
        except (OSError, DocumentError, MemoryError) as error:
            _log.warning("the spec could not be sent to the agent: %s", error or "there is no memory")
            self._hang_up(connection)

    def _hang_up(self, connection: socket.socket) -> None:
        with self._changed:
            if self._socket is connection:
                self._socket = None
            self._changed.notify_all()
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The agent closed it first.


class AgentConnection(AgentConversation):
    """The conversation with the agent on this machine."""

    def __init__(self, path: Path, events: AgentEvents, *, paused: bool = False) -> None:
        """Connect to the socket at ``path``; with ``paused``, not before ``resume``."""
        super().__init__(events)
        self._path = path
        self._may_connect = threading.Event()
        if not paused:
            self._may_connect.set()

    def resume(self, fence: int) -> None:
        """Connect from now on, as the leader with this fence. Never blocks."""
        self.lead(fence)
        self._may_connect.set()

    def pause(self) -> None:
        """End the connection, and connect no more until ``resume``: another process is the leader. Never blocks."""
        self._may_connect.clear()
        self._end()

    def run(self, stop: threading.Event) -> None:
        """Connect, read and reconnect until ``stop`` is set; blocks, so give it a thread of its own."""
        threading.Thread(target=self._watch, args=(stop,), name="agent-stop", daemon=True).start()
        refused = False
        while not stop.is_set():
            if not self._may_connect.wait(PAUSE_SECONDS):
                continue
            try:
                connection = self._connect()
            except OSError as error:
                if not refused:
                    _log.info("no agent at %s yet (%s): trying again", self._path, error.strerror)
                refused = True
                stop.wait(RETRY_SECONDS)
                continue
            refused = False
            try:
                # The thread that watches for the stop, or ``pause``, may have looked before.
                read = self.converse(connection, lambda: stop.is_set() or not self._may_connect.is_set())
            except (MemoryError, RuntimeError) as error:  # No memory, or none for a thread.
                _log.error("the conversation with the agent failed: %s", error or "there is no memory")
                read = False
            # An agent that refuses this process closes the connection at once: do not spin.
            stop.wait(RETRY_SECONDS if read else UNREADABLE_SECONDS)

    def _connect(self) -> socket.socket:
        return connected(self._path)

    def _watch(self, stop: threading.Event) -> None:
        stop.wait()
        self._end()

    def _end(self) -> None:
        """End the connection, if there is one."""
        with self._changed:
            connection = self._socket
        if connection is not None:
            self._hang_up(connection)
