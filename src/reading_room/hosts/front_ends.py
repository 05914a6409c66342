"""The server's ends of the channels of fronts: one on a Unix socket, one on a connection from another host.

A channel's VPC is a fact: the agent of this machine made the socket for it, or the spec of the other host has it. So
is the listen address of a front outside of VPCs.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from reading_room.aws.receive import AsgiApplication, Scope
from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts.front.lane import Lane, is_lane
from reading_room.hosts.front.records import (
    LANES,
    MESSAGE_LIMIT,
    MESSAGES_A_TURN,
    TEXT_LIMIT,
    Answered,
    Asked,
    Certificate,
    CertificateWanted,
    FromFront,
    FromServer,
    Head,
    LaneOpened,
    Leave,
    Listen,
    NameRecord,
    check_query,
)
from reading_room.hosts.link.streams import WAITING_BYTES, Documents
from reading_room.hosts.requests import serve_requests
from reading_room.vpc.endpoints.resolver import Found

log = logging.getLogger(__name__)

WAITING = 1_000
"""The most answers that wait for a front that does not read; more are dropped."""


class Answers(Protocol):
    """What a front asks for."""

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return the records of a name and type; ``None`` to send no answer."""
        ...

    async def certificate(self, vpc_id: str, endpoint_id: str | None) -> str | None:
        """Return the certificate and key of an endpoint, in PEM; ``None`` if the VPC has no listener of it."""
        ...

    async def find(self, vpc_id: str, head: Head) -> tuple[AsgiApplication, Scope]:
        """Return the application for a request, and its network path for the scope. Raises ``DocumentError``."""
        ...


async def serve_lane(lane: Lane, vpc_id: str, answers: Answers) -> None:
    """Answer the requests of a lane until it is over, and close it."""
    try:
        await serve_requests(lane, lambda head: answers.find(vpc_id, head))
    except DocumentError as error:
        log.error("the front of %s: %s; its request is dropped", vpc_id, error)
    finally:
        lane.close()


class FrontEnd:
    """What both ends have in common: a front's messages and their answers. Its methods run in the event loop."""

    lanes = LANES
    """The most lanes at a time; more are closed at once."""

    def __init__(self, vpc_id: str, answers: Answers, ended: Callable[[FrontEnd], None]) -> None:
        """``ended`` is called when the channel ends."""
        self.vpc_id = vpc_id
        self._answers = answers
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False

    def close(self) -> None:
        """Close the channel and what it started."""
        if self._over:
            return
        self._over = True
        self._close()
        for task in self._tasks:
            task.cancel()
        self._ended(self)

    def _close(self) -> None:
        raise NotImplementedError

    def _post(self, message: bytes) -> None:
        """Send a message to the front, or drop it if too many wait."""
        raise NotImplementedError

    def _lane(self, sent: list[socket.socket]) -> None:
        """Serve a lane that came with a message. Raises ``DocumentError``."""
        raise NotImplementedError

    def _take(self, message: bytes, sent: list[socket.socket]) -> None:
        # The front may be of a newer version, which an upgrade started first.
        body = decode(FromFront, message, newer=True).body
        if isinstance(body, Asked):
            check_query(body)
            self._answer(body)
        elif isinstance(body, LaneOpened):
            self._lane(sent)
        elif isinstance(body, CertificateWanted):
            if len(self._tasks) < self.lanes:
                self._work(self._certify(body.endpoint_id))
        else:
            log.warning("the front of %s: %s", self.vpc_id, body.text[:TEXT_LIMIT])

    def _work(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answer(self, query: Asked) -> None:
        found = self._answers.look_up(self.vpc_id, query.name, query.kind)
        if found is None:
            self._send(Answered(query.number, silent=True))
            return
        records = None if found.records is None else tuple(NameRecord(*record) for record in found.records)
        self._send(Answered(query.number, records))

    async def _certify(self, endpoint_id: str | None) -> None:
        pem = await self._answers.certificate(self.vpc_id, endpoint_id)
        if pem is None:
            log.error("the front of %s wants the certificate of %s, which it does not serve", self.vpc_id, endpoint_id)
            return
        self._send(Certificate(endpoint_id, pem))

    def _send(self, body: Answered | Certificate | Leave) -> None:
        if not self._over:
            self._post(encode(FromServer(body)))

    def _fail(self, error: Exception) -> None:
        log.error("the front of %s is no longer answered: %s", self.vpc_id, error)
        self.close()


class SocketFront(FrontEnd):
    """The end of the channel of a front on this machine."""

    def __init__(self, vpc_id: str, answers: Answers, ended: Callable[[FrontEnd], None], sock: socket.socket) -> None:
        super().__init__(vpc_id, answers, ended)
        sock.setblocking(False)
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, Sequence[int]]] = deque()
        self._loop.add_reader(sock, self._read)

    def listen(self, wanted: Listen, sock: socket.socket, certificate: str | None) -> None:
        """Let the front accept the connections at a socket, which stays open until it is sent."""
        if certificate is not None:
            self._send(Certificate(None, certificate))
        self._waiting.append((encode(FromServer(wanted)), (sock.fileno(),)))
        self._flush()

    def renew(self, certificate: str) -> None:
        """Give the front another certificate, with its key, for the socket that it listens at."""
        self._send(Certificate(None, certificate))

    def leave(self, seconds: float) -> None:
        """Let the front accept no more, finish the requests in progress, and close the channel."""
        self._send(Leave(seconds))

    def _close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def _read(self) -> None:
        # Only a few at a time, so that other fronts and the callers of the APIs have their turn.
        for _ in range(MESSAGES_A_TURN):
            if self._over:
                return
            sent: list[socket.socket] = []
            try:
                message, descriptors, flags, _ = socket.recv_fds(self._socket, MESSAGE_LIMIT, 4)
                sent = [socket.socket(fileno=each) for each in descriptors]
                if not message:
                    self.close()
                    return
                if flags & socket.MSG_CTRUNC:
                    # The kernel has closed the lane. The front's client gets an error and may try again.
                    log.error("a request in %s is dropped: the server has no file descriptor for it", self.vpc_id)
                    continue
                self._take(message, sent)
            except BlockingIOError:
                return
            except (OSError, DocumentError) as error:
                self._fail(error)
                return
            finally:
                for sock in sent:
                    sock.close()

    def _lane(self, sent: list[socket.socket]) -> None:
        if not is_lane(sent):
            raise DocumentError("a lane came without its socket")
        if len(self._tasks) < self.lanes:
            self._work(self._serve(sent.pop()))

    async def _serve(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        _, lane = await self._loop.create_unix_connection(Lane, sock=sock)
        await serve_lane(lane, self.vpc_id, self._answers)

    def _post(self, message: bytes) -> None:
        if len(self._waiting) >= WAITING:
            return  # The client will ask again; a front that does not read only delays itself.
        self._waiting.append((message, ()))
        self._flush()

    def _flush(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            while self._waiting:
                message, descriptors = self._waiting[0]
                if descriptors:
                    socket.send_fds(self._socket, [message], descriptors)
                else:
                    self._socket.send(message)
                self._waiting.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._socket, self._flush)
        except OSError as error:
            self._fail(error)


class RemoteFront(FrontEnd):
    """The end of the channel of a front on another host. Its lanes are connections of their own."""

    def __init__(self, vpc_id: str, answers: Answers, ended: Callable[[FrontEnd], None], connection: Documents) -> None:
        super().__init__(vpc_id, answers, ended)
        connection.limit = MESSAGE_LIMIT
        self._connection = connection

    async def serve(self) -> None:
        """Answer the front until its channel ends."""
        count = 0
        try:
            while (message := await self._connection.next()) is not None:
                self._take(message, [])
                count += 1
                if count % MESSAGES_A_TURN == 0:
                    await asyncio.sleep(0)
        except (OSError, DocumentError) as error:
            self._fail(error)
        finally:
            self.close()

    def _close(self) -> None:
        self._connection.close()

    def _lane(self, sent: list[socket.socket]) -> None:
        raise DocumentError("a lane of another host came without a connection")

    def _post(self, message: bytes) -> None:
        if self._connection.transport.get_write_buffer_size() <= WAITING_BYTES:
            self._connection.write(message)  # Otherwise the client will ask again.
