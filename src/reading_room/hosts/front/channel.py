"""The front's end of its channel to the server: queries for names and certificates, and lanes for requests."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts.front.lane import Lane
from reading_room.hosts.front.records import (
    MESSAGE_LIMIT,
    Answered,
    Asked,
    Certificate,
    CertificateWanted,
    FromFront,
    FromServer,
    LaneOpened,
    Leave,
    Listen,
    Told,
)

QUESTIONS = 256
"""The most queries that wait for the server at a time; more are dropped, as packets may be."""
QUESTION_SECONDS = 5.0
_TRANSIENT = (errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.ETOOMANYREFS)
"""The errors of a server that does not read, or of a machine under pressure, after which the channel still works."""

_log = logging.getLogger(__name__)


class Unavailable(Exception):
    """The server is not connected, or takes no more."""


def _refuse_socket(_: Listen, sock: socket.socket) -> None:
    """Close a listening socket, for which there is no use."""
    sock.close()


class Channel:
    """A connected channel, in the running event loop.

    ``certificate`` is called with each certificate that arrives, ``lost`` when the channel ends. Outside of VPCs,
    ``listen`` gets the listening socket, and ``leave`` is called when no more is to be accepted at that.
    """

    def __init__(
        self,
        sock: socket.socket,
        certificate: Callable[[Certificate], None],
        lost: Callable[[], None],
        listen: Callable[[Listen, socket.socket], None] = _refuse_socket,
        leave: Callable[[Leave], None] = lambda _: None,
    ) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._certificate = certificate
        self._listen = listen
        self._leave = leave
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._number = 0
        self._pending: dict[int, asyncio.Future[Answered]] = {}
        self.over = False
        self._loop.add_reader(sock, self._read)

    async def ask(self, name: str, kind: int) -> Answered:
        """Return what the server knows of a name. Raises ``Unavailable`` and ``TimeoutError``."""
        if len(self._pending) >= QUESTIONS:
            raise Unavailable
        self._number = number = self._number + 1
        answered: asyncio.Future[Answered] = self._loop.create_future()
        self._pending[number] = answered
        try:
            self._send(Asked(number, name, kind))
            async with asyncio.timeout(QUESTION_SECONDS):
                return await answered
        finally:
            del self._pending[number]

    async def open_lane(self) -> Lane:
        """Return a new lane. Raises ``Unavailable``."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:
            raise Unavailable from None
        with theirs:
            try:
                self._send(LaneOpened(), theirs)
            except Unavailable:
                ours.close()
                raise
        ours.setblocking(False)
        _, lane = await self._loop.create_unix_connection(Lane, sock=ours)
        return lane

    def want_certificate(self, endpoint_id: str | None) -> None:
        """Request the certificate of an endpoint, which ``certificate`` receives. Raises ``Unavailable``."""
        self._send(CertificateWanted(endpoint_id))

    def tell(self, text: str) -> None:
        """Send a line for the server's log, if possible."""
        try:
            self._send(Told(text))
        except Unavailable:
            pass  # It is only one log line, and nobody can read it.

    def close(self) -> None:
        """Close the channel; callers that wait for an answer get ``Unavailable``."""
        if self.over:
            return
        self.over = True
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(Unavailable())
        self._lost()

    def _send(self, body: Asked | CertificateWanted | LaneOpened | Told, *sent: socket.socket) -> None:
        if self.over:
            raise Unavailable
        try:
            socket.send_fds(self._socket, [encode(FromFront(body))], [each.fileno() for each in sent])
        except OSError as error:
            if error.errno not in _TRANSIENT:
                self.close()
            raise Unavailable from None

    def _read(self) -> None:
        sent: list[socket.socket] = []
        try:
            message, descriptors, _, _ = socket.recv_fds(self._socket, MESSAGE_LIMIT, 1)
            sent = [socket.socket(fileno=each) for each in descriptors]
            # The server may be of a newer version, which an upgrade started first.
            body = decode(FromServer, message, newer=True).body if message else None
            if isinstance(body, Listen) and not sent:
                raise DocumentError("a listener came without its socket")
        except BlockingIOError:
            return
        except (OSError, DocumentError) as error:
            _log.error("the channel to the server ends: %s", error)
            body = None
        if body is None:
            self.close()
        elif isinstance(body, Listen):
            self._listen(body, sent.pop())
        elif isinstance(body, Certificate):
            self._certificate(body)
        elif isinstance(body, Leave):
            self._leave(body)
        elif (waiting := self._pending.get(body.number)) is not None and not waiting.done():
            waiting.set_result(body)
        for each in sent:
            each.close()
