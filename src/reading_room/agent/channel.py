"""The agent's end of the connection to the server: a Unix socket that only one user id may use.

Each connection has two threads: one reads specs and checks their form, the other writes, so that a server that
does not read can never hold up the loop. Only the newest report waits to be written. A new connection, which is from a
restarted server, replaces the previous one.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.agent.frames import (
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
    read_greeting,
    send_frame,
)
from reading_room.agent.private_socket import listening, user_of
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.codec import DocumentError, decode, encode
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.versions import VERSION

_log = logging.getLogger(__name__)

FLOWS_PER_FRAME = 20_000
FLOWS_WAITING = 500_000
"""The most flow events that are kept while no server is connected; the oldest are dropped first."""
LEASES_WAITING = 16
"""The most answers that wait for the loop; the oldest are dropped first."""
FRAMES_WAITING = 1_000
"""The most frames that wait for a server that is connected but does not read."""


_NONE: list[int] = []


def _nothing() -> None:
    """Do nothing: no caller waits for the frame to be written."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    known: tuple[ListenerLabel, ...] | None = None
    """The listeners that were sent."""
    queue: deque[tuple[bytes, list[int], Callable[[], None]]] = field(default_factory=deque)
    """Waiting frames: the document, its descriptors, and the function to call when it is written."""
    report: bytes | None = None
    request: bytes | None = None
    """The newest request for a lease."""
    writing: bool = False
    closed: bool = False


class AgentChannel:
    """Listens for the server. Its methods may be called from any thread."""

    def __init__(self, path: Path, allowed_user: int, owner: int | None, wake: Callable[[], None]) -> None:
        """Listen at ``path``, replacing the socket of an earlier agent.

        ``allowed_user`` is the only user id, in this user namespace, that may connect. ``owner`` becomes the owner of
        the socket's file. ``wake`` is called when there is something for the loop. Raises ``OSError``.
        """
        self._path = path
        self._allowed = allowed_user
        self._wake = wake
        self._lock = threading.Condition()
        self._spec: HostSpec | None = None
        self._fault = ""
        self._connection: _Connection | None = None
        self._flows: deque[FlowEvent] = deque(maxlen=FLOWS_WAITING)
        self._leases: deque[Lease] = deque(maxlen=LEASES_WAITING)
        self._fresh = False
        self._fence = 0
        """The highest fence of a server so far. One with a lower fence is a former leader that was suspended."""
        self._listener = listening(path, owner)
        threading.Thread(target=self._accept, name="agent-accept", daemon=True).start()

    def spec(self) -> tuple[HostSpec | None, str]:
        """Return the newest readable spec, and why a later one was unreadable (empty if none was)."""
        with self._lock:
            return self._spec, self._fault

    def connected(self) -> bool:
        """Return whether a server is connected."""
        with self._lock:
            return self._connection is not None

    def take_fresh(self) -> bool:
        """Return whether a server has connected since the last call; such a server knows nothing yet."""
        with self._lock:
            fresh, self._fresh = self._fresh, False
            return fresh

    def send_flows(self, events: Sequence[FlowEvent], sent: Callable[[], None] = _nothing) -> None:
        """Send flow events, or keep them until a server connects.

        ``sent`` is called by the writing thread once all of them are written: the server can then read them even if
        this process ends. If the server ends earlier, it is unknown which it has read, and they are not sent again.
        """
        with self._lock:
            if len(self._flows) + len(events) > FLOWS_WAITING:
                _log.warning("no server takes the flow events: the oldest of %d are dropped", FLOWS_WAITING)
            self._flows.extend(events)
            connection = self._connection
            while connection is not None and self._flows:
                count = min(FLOWS_PER_FRAME, len(self._flows))
                part = tuple(self._flows.popleft() for _ in range(count))
                written = _nothing if self._flows else sent
                connection.queue.append((encode(FromAgent(Flows(part))), [], written))
            if connection is not None and len(connection.queue) > FRAMES_WAITING:
                _log.warning("the server does not read: its connection is closed")
                self._drop(connection)
            self._lock.notify_all()

    def send_listeners(self, labels: Collection[ListenerLabel]) -> None:
        """Send the list of listeners, unless it is the last one that was sent on this connection."""
        with self._lock:
            connection = self._connection
            now = tuple(labels)
            if connection is None or now == connection.known:
                return
            connection.queue.append((encode(FromAgent(Listeners(now))), [], _nothing))
            connection.known = now
            self._lock.notify_all()

    def send_front(self, vpc_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of the channel to a front; return whether a server is connected to take it."""
        return self._send_end(Front(vpc_id), end)

    def send_realtime(self, container_id: str, end: socket.socket) -> bool:
        """Hand over the server's end of a realtime container's socket; return whether a server is connected."""
        return self._send_end(Realtime(container_id), end)

    def _send_end(self, body: Front | Realtime, end: socket.socket) -> bool:
        with self._lock, end:
            if self._connection is None:
                return False
            descriptor = os.dup(end.fileno())
            self._connection.queue.append((encode(FromAgent(body)), [descriptor], _nothing))
            self._lock.notify_all()
            return True

    def send_report(self, report: HostReport) -> None:
        """Send a report; one that still waits to be written is replaced."""
        with self._lock:
            if self._connection is not None:
                self._connection.report = encode(FromAgent(report))
                self._lock.notify_all()

    def ask_for_lease(self, request: LeaseRequest) -> None:
        """Send a request for a lease, before a report that waits; an earlier one that still waits is replaced."""
        with self._lock:
            if self._connection is not None:
                self._connection.request = encode(FromAgent(request))
                self._lock.notify_all()

    def take_leases(self) -> Sequence[Lease]:
        """Return the answers to requests for leases since the last call."""
        with self._lock:
            taken = tuple(self._leases)
            self._leases.clear()
            return taken

    def drain(self, seconds: float) -> None:
        """Wait at most ``seconds`` until everything is written."""
        with self._lock:
            self._lock.wait_for(self._written, seconds)

    def close(self) -> None:
        """Stop listening and close the connection to the server."""
        self._path.unlink(missing_ok=True)
        # Closing alone would not wake the thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            self._drop(self._connection)

    def _written(self) -> bool:
        waiting = self._connection
        return waiting is None or not (waiting.queue or waiting.request or waiting.report or waiting.writing)

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            user = user_of(accepted)
            if user != self._allowed:
                _log.warning(
                    "refused a process of user id %d at %s: only %d may connect", user, self._path, self._allowed
                )
                accepted.close()
                continue
            connection = _Connection(accepted)
            connection.queue.append((encode(Greeting()), [], _nothing))
            with self._lock:
                self._drop(self._connection)
                self._connection = connection
                self._fresh = True
            try:
                for target in (self._read, self._write):
                    threading.Thread(target=target, args=(connection,), name="agent-channel", daemon=True).start()
            except (RuntimeError, MemoryError) as error:
                # No other process listens for servers, so this thread goes on, and the server connects again.
                _log.error("a server is not heard: %s", error or "there is no memory")
                self._end(connection)
                continue
            self._wake()

    def _read(self, connection: _Connection) -> None:
        reader = FrameReader(connection.socket, take_descriptors=False)
        server: Greeting | None = None
        try:
            while (document := reader.read()) is not None:
                if server is None:
                    server = read_greeting(document)
                    if not self._leads(server):
                        return
                    continue
                try:
                    # Whatever is unknown here cannot be enforced, so the whole document is refused.
                    message, fault = _body_of(document), ""
                except DocumentError as error:
                    message, fault = None, f"{error}{_older_than(server)}"
                with self._lock:
                    if self._connection is not connection:
                        return
                    if isinstance(message, Lease):
                        self._leases.append(message)
                    else:
                        self._spec, self._fault = (message or self._spec), fault
                self._wake()
        except (OSError, DocumentError) as error:
            _log.info("the server's connection ended: %s", error)
        finally:
            self._end(connection)
            connection.socket.close()

    def _leads(self, server: Greeting) -> bool:
        with self._lock:
            if server.fence < self._fence:
                _log.warning("refused a server that no longer leads (%d, after %d)", server.fence, self._fence)
                return False
            self._fence = server.fence
            return True

    def _write(self, connection: _Connection) -> None:
        try:
            while True:
                with self._lock:
                    connection.writing = False
                    self._lock.notify_all()
                    self._lock.wait_for(
                        lambda: connection.closed or connection.queue or connection.request or connection.report
                    )
                    if connection.closed:
                        return
                    document, descriptors, written = b"", _NONE, _nothing
                    if connection.queue:
                        document, descriptors, written = connection.queue.popleft()
                    elif connection.request is not None:
                        document, connection.request = connection.request, None
                    elif connection.report is not None:
                        document, connection.report = connection.report, None
                    connection.writing = True
                try:
                    send_frame(connection.socket, document, descriptors)
                finally:
                    _close_all(descriptors)
                written()
        except (OSError, DocumentError, MemoryError) as error:
            _log.info("the server's connection ended: %s", error or "there is no memory")
        finally:
            self._end(connection)

    def _end(self, connection: _Connection) -> None:
        with self._lock:
            self._drop(connection)
        self._wake()

    def _drop(self, connection: _Connection | None) -> None:
        if connection is None or connection.closed:
            return
        connection.closed = True
        for _, descriptors, _ in connection.queue:
            _close_all(descriptors)
        connection.queue.clear()
        connection.report = None
        try:
            connection.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The other side closed it first. The reading thread closes the socket itself.
        if self._connection is connection:
            self._connection = None
        self._lock.notify_all()


def _body_of(document: bytes) -> HostSpec | Lease:
    message = decode(FromServer, document)
    body = message.lease if message.kind == "lease" else message.body
    if body is None:
        raise DocumentError(f"its kind is {message.kind}, and it has none")
    return body


def _older_than(server: Greeting) -> str:
    """Return what to add to a fault in a document of a newer server."""
    if not server.newer:
        return ""
    return f" (serve is version {server.program}, and this agent is {VERSION}: restart the agent)"


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
