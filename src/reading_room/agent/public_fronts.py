"""The fronts of listen addresses outside of VPCs: a process without privileges for each, as ``serve`` asks for them.

They need no network of the agent's, and ``serve`` may need them while another process leads, so they have a socket and
a thread of their own. A front lives as long as the connection of the ``serve`` that asked for it.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from reading_room.agent.fronts import RETRY_SECONDS, Front, FrontUsers, attach, forget, start_front
from reading_room.agent.private_socket import listening, user_of
from reading_room.agent.public_listeners import DOCUMENT_LIMIT, SOCKET, FromServe, PublicListener, Started, Wanted
from reading_room.codec import DocumentError, decode, encode
from reading_room.containers.errors import ContainerError

SERVERS = 4
"""The most ``serve`` processes at one agent; a further connection is closed."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Place:
    """A listener that a ``serve`` wants a front for."""

    front: Front | None = None
    not_before: float = 0.0


@dataclass(slots=True, eq=False)
class _Server:
    socket: socket.socket
    places: dict[PublicListener, _Place] | None = None
    """``None`` until it has said what it wants."""


@dataclass(slots=True)
class PublicFronts:
    """Accepts ``serve``, and keeps the fronts that it wants running.

    ``folder`` is that of the agent's own socket. ``allowed_user`` is the only user id, in this user namespace, that may
    connect, and ``owner`` becomes the owner of the socket's file.
    """

    folder: Path
    allowed_user: int
    owner: int | None
    users: FrontUsers
    _servers: list[_Server] = field(default_factory=list)
    _listener: socket.socket = field(init=False)
    _thread: threading.Thread = field(init=False)
    _end: int = field(default_factory=lambda: os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))

    def start(self) -> None:
        """Begin to accept connections, in a thread. Raises ``OSError``."""
        self._listener = listening(self.folder / SOCKET, self.owner, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="agent-public-fronts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop. Fronts accept no more connections, and end after the requests in progress."""
        os.eventfd_write(self._end, 1)
        self._thread.join()
        (self.folder / SOCKET).unlink(missing_ok=True)
        self._listener.close()
        for server in self._servers:
            server.socket.close()
            for place in (server.places or {}).values():
                if place.front is not None:
                    place.front.orders.close()
        os.close(self._end)

    def _run(self) -> None:
        while True:
            try:
                if self._turn():
                    return
            except (OSError, MemoryError) as error:  # This machine lacks something: nobody else would go on.
                _log.error("the fronts of listen addresses cannot be looked after: %s", error or "there is no memory")
                time.sleep(RETRY_SECONDS)

    def _turn(self) -> bool:
        """Wait for something to happen, and handle it; return whether to end."""
        fronts = [place.front for server in self._servers for place in (server.places or {}).values() if place.front]
        poll = select.poll()
        for descriptor in (self._end, self._listener.fileno(), *(front.pidfd for front in fronts)):
            poll.register(descriptor, select.POLLIN)
        for server in self._servers:
            poll.register(server.socket, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(self._patience())}
        if self._end in ready:
            return True
        for server in [each for each in self._servers if each.socket.fileno() in ready]:
            self._hear(server)
        if self._listener.fileno() in ready:
            self._accept()
        for server in list(self._servers):
            for listener, place in (server.places or {}).items():
                self._tend(server, listener, place)
        return False

    def _patience(self) -> float | None:
        """Return the milliseconds until a front can be started again; ``None`` if none is missing."""
        missing = [
            place.not_before for server in self._servers for place in (server.places or {}).values() if not place.front
        ]
        return max(0.0, min(missing) - time.monotonic()) * 1000 + 1 if missing else None

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        user = user_of(connection)
        if user != self.allowed_user or len(self._servers) >= SERVERS:
            _log.warning("refused a process of user id %d, which wants fronts for listen addresses", user)
            connection.close()
            return
        connection.setblocking(False)
        self._servers.append(_Server(connection))

    def _hear(self, server: _Server) -> None:
        try:
            # Without a buffer for them, the kernel drops descriptors that ``serve`` sends.
            document = server.socket.recv(DOCUMENT_LIMIT + 1)
            if not document:
                self._leave(server)
                return
            if len(document) > DOCUMENT_LIMIT:
                raise DocumentError("a document is too long")
            body = decode(FromServe, document).body
            if isinstance(body, Wanted):
                if server.places is not None or len(set(body.listeners)) < len(body.listeners):
                    raise DocumentError("it wants a front twice")
                server.places = {listener: _Place() for listener in body.listeners}
                return
            place = (server.places or {}).get(body.listener)
            if place is None:
                raise DocumentError(f"{body.listener} has no front")
            if place.front is not None:
                place.front.process.kill()
        except (OSError, DocumentError) as error:
            _log.error("serve is not heard about fronts of listen addresses any more: %s", error)
            self._leave(server)

    def _leave(self, server: _Server) -> None:
        """End what a server wanted. Killed at once, a front keeps no port of the next ``serve``."""
        self._servers.remove(server)
        server.socket.close()
        for place in (server.places or {}).values():
            if place.front is not None:
                place.front.process.kill()
                place.front.process.wait()
                forget(place.front, self.users)

    def _tend(self, server: _Server, listener: PublicListener, place: _Place) -> None:
        if place.front is not None and place.front.process.poll() is not None:
            _log.error("the front of %s ended with %d and is restarted", listener, place.front.process.returncode)
            forget(place.front, self.users)
            place.front = None
        if server.socket.fileno() < 0 or place.front is not None or time.monotonic() < place.not_before:
            return
        place.not_before = time.monotonic() + RETRY_SECONDS
        try:
            place.front = start_front(self.users)
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, theirs:
                attach(place.front, ours)
                socket.send_fds(server.socket, [encode(Started(listener))], [theirs.fileno()])
        except (ContainerError, OSError, subprocess.SubprocessError) as error:
            _log.error("the front of %s cannot be started: %s", listener, error)
            if place.front is not None:
                place.front.process.kill()
