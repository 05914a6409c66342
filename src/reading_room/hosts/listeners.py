"""The server's side of the listeners in VPCs: fronts read what clients send, and request the answers here.

The agent made each front's channel for one VPC. The VPC, the labels of its listeners, and the peer's address on each
accepted connection are the facts behind conditions such as ``aws:SourceVpce``; nothing that a client sends is. A front
that was taken over can only impersonate the clients of its own VPC.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from reading_room.aws.call import NetworkPath, Reply
from reading_room.aws.receive import (
    BODY_SECONDS,
    ONLY_KEY,
    PATH_KEY,
    AsgiApplication,
    BodyTooLarge,
    BodyTooSlow,
    Disconnected,
    Scope,
    read_body,
    read_headers,
    send_reply,
)
from reading_room.codec import DocumentError, decode, encode
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.front.lane import Lane
from reading_room.hosts.front.records import (
    MESSAGE_LIMIT,
    TEXT_LIMIT,
    Answered,
    Asked,
    Certificate,
    CertificateWanted,
    FromFront,
    FromServer,
    Head,
    LaneOpened,
    NameRecord,
    check_query,
)
from reading_room.hosts.requests import serve_requests
from reading_room.iam.container_credentials import json_reply
from reading_room.jobs.part_requests import BODY_LIMIT
from reading_room.vpc.endpoints.resolver import Found

T = TypeVar("T")

log = logging.getLogger(__name__)

LANES = 1_000
"""The most lanes of one front at a time; more are closed at once."""
MESSAGES_A_TURN = 32
"""The most messages of one front that are read before others have their turn."""
KNOW_SECONDS = 5.0
"""How long a request through an unknown listener waits, because the agent informs fronts and server separately."""
WAITING = 1_000
"""The most answers that wait for a front that does not read; more are dropped."""


class Resolver(Protocol):
    """Knows the names of VPCs."""

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return the records of a name and type; ``None`` to send no answer (DNS support is off)."""
        ...


class Credentials(Protocol):
    """Answers at the credentials address."""

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Return whether the body of a request is worth reading."""
        ...

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        """Return the answer to one request."""
        ...


class VpcListeners:
    """Answers the fronts of every VPC on one host. Its methods run in the event loop's thread.

    ``s3`` answers at endpoints of S3, ``api`` at those of all other services. ``certificate`` returns the certificate
    and key, in PEM, of an endpoint's listeners by the endpoint's id. The body of a request to the credentials address
    must arrive within ``body_seconds``.
    """

    def __init__(
        self,
        *,
        s3: AsgiApplication,
        api: AsgiApplication,
        resolver: Resolver,
        credentials: Credentials,
        certificate: Callable[[str | None], str],
        body_seconds: float = BODY_SECONDS,
        know_seconds: float = KNOW_SECONDS,
    ) -> None:
        self._s3 = s3
        self._api = api
        self._resolver = resolver
        self._credentials = credentials
        self._certificate = certificate
        self._body_seconds = body_seconds
        self._know_seconds = know_seconds
        self._changed = asyncio.Event()
        """Set, and replaced, when the agent sends its listeners."""
        self._labels: frozenset[ListenerLabel] = frozenset()
        self._by_place: dict[tuple[str, str, str, int], tuple[ListenerLabel, AsgiApplication]] = {}
        self._fronts: set[_Front] = set()

    @property
    def labels(self) -> frozenset[ListenerLabel]:
        """The listeners that exist now."""
        return self._labels

    def know(self, labels: Iterable[ListenerLabel]) -> None:
        """Answer requests through these listeners from now on, and through no others."""
        self._labels = frozenset(labels)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        before = self._by_place
        for label in self._labels - {known for known, _ in before.values()}:
            log.debug("answering %s of %s at %s:%d", label.kind, label.vpc_id, label.address, label.port)
        self._by_place = {}
        for label in self._labels:
            place = (label.vpc_id, label.kind, label.address, label.port)
            known = before.get(place)
            self._by_place[place] = known if known is not None and known[0] == label else (label, self._app(label))

    def attach(self, vpc_id: str, sock: socket.socket) -> None:
        """Answer the front of a VPC on this channel until it ends."""
        front = _Front(vpc_id, sock, self)
        self._fronts.add(front)

    def close(self) -> None:
        """End every channel."""
        for front in list(self._fronts):
            front.close()

    def _forget(self, front: _Front) -> None:
        self._fronts.discard(front)

    def _serves(self, place: tuple[str, str, str | None]) -> bool:
        return any((each.vpc_id, each.kind, each.endpoint_id) == place for each in self._labels)

    async def _until(self, known: Callable[[], T | None]) -> T | None:
        """Return the result of ``known`` once there is one, or ``None`` after ``know_seconds``."""
        found = known()
        if found is None:
            try:
                async with asyncio.timeout(self._know_seconds):
                    while (found := known()) is None:
                        await self._changed.wait()
            except TimeoutError:
                pass  # The agent has no such listener.
        return found

    async def _found(self, vpc_id: str, head: Head) -> tuple[AsgiApplication, Scope]:
        """Return the application for a request, and its network path for the scope. Raises ``DocumentError``."""
        known = await self._until(lambda: self._by_place.get((vpc_id, head.kind, head.address, head.port)))
        if known is None:
            raise DocumentError(f"a request through {head.address}:{head.port}, where there is no listener")
        label, app = known
        facts = {PATH_KEY: network_path(label, head.client, head.kind == "endpoint-https"), ONLY_KEY: label.service}
        return app, ({} if label.kind == "credentials" else facts)

    def _app(self, label: ListenerLabel) -> AsgiApplication:
        if label.kind == "credentials":
            return self._credentials_app(label.vpc_id)
        return self._s3 if label.service == "s3" else self._api

    def _credentials_app(self, vpc_id: str) -> AsgiApplication:
        # One request per address at a time: a client that sends many, or slowly, only delays itself.
        asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

        async def answer(scope: Scope, receive: Any) -> Reply:
            query = scope["method"], scope["raw_path"].decode("latin-1"), vpc_id, scope["client"][0]
            body = b""
            if scope["method"] == "POST" and await asyncio.to_thread(self._credentials.expects, *query):
                try:
                    body = await read_body(receive, read_headers(scope), BODY_LIMIT, self._body_seconds)
                except BodyTooLarge:
                    return _unreadable(f"the body has more than {BODY_LIMIT} bytes")
                except BodyTooSlow:
                    return _unreadable("the body did not arrive in time")
            return await asyncio.to_thread(self._credentials.handle, *query, body)

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            lock = asking.setdefault(scope["client"][0], asyncio.Lock())
            async with lock:
                try:
                    reply = await answer(scope, receive)
                except Disconnected:
                    return
            await send_reply(send, reply)

        return app


class _Front:
    """The server's end of the channel of one front."""

    def __init__(self, vpc_id: str, sock: socket.socket, listeners: VpcListeners) -> None:
        sock.setblocking(False)
        self._vpc_id = vpc_id
        self._socket = sock
        self._listeners = listeners
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        self._loop.add_reader(sock, self._read)

    def close(self) -> None:
        """Close the channel and its lanes."""
        if self._over:
            return
        self._over = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        for task in self._tasks:
            task.cancel()
        self._listeners._forget(self)

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
                    log.error("a request in %s is dropped: the server has no file descriptor for it", self._vpc_id)
                    continue
                self._take(message, sent)
            except BlockingIOError:
                return
            except (OSError, DocumentError) as error:
                log.error("the front of %s is no longer answered: %s", self._vpc_id, error)
                self.close()
                return
            finally:
                for sock in sent:
                    sock.close()

    def _take(self, message: bytes, sent: list[socket.socket]) -> None:
        # The front may be of a newer version, which an upgrade started first.
        body = decode(FromFront, message, newer=True).body
        if isinstance(body, Asked):
            check_query(body)
            self._answer(body)
        elif isinstance(body, LaneOpened):
            if len(sent) != 1 or sent[0].family != socket.AF_UNIX or sent[0].type != socket.SOCK_STREAM:
                raise DocumentError("a lane came without its socket")
            if len(self._tasks) < LANES:
                self._work(self._serve(sent.pop()))
        elif isinstance(body, CertificateWanted):
            self._work(self._certify(body.endpoint_id))
        else:
            log.warning("the front of %s: %s", self._vpc_id, body.text[:TEXT_LIMIT])

    def _work(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _answer(self, query: Asked) -> None:
        found = self._listeners._resolver.look_up(self._vpc_id, query.name, query.kind)
        if found is None:
            self._send(Answered(query.number, silent=True))
            return
        records = None if found.records is None else tuple(NameRecord(*record) for record in found.records)
        self._send(Answered(query.number, records))

    async def _certify(self, endpoint_id: str | None) -> None:
        place = (self._vpc_id, "endpoint-https", endpoint_id)
        served = await self._listeners._until(lambda: self._listeners._serves(place) or None)
        if served is None:
            log.error("the front of %s wants the certificate of %s, which it does not serve", self._vpc_id, endpoint_id)
            return
        self._send(Certificate(endpoint_id, await asyncio.to_thread(self._listeners._certificate, endpoint_id)))

    async def _serve(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        _, lane = await self._loop.create_unix_connection(Lane, sock=sock)
        try:
            await serve_requests(lane, lambda head: self._listeners._found(self._vpc_id, head))
        except DocumentError as error:
            log.error("the front of %s: %s; its request is dropped", self._vpc_id, error)
        finally:
            lane.close()

    def _send(self, body: Answered | Certificate) -> None:
        if self._over:
            return
        if len(self._waiting) >= WAITING:
            return  # The client will ask again; a front that does not read only delays itself.
        self._waiting.append(encode(FromServer(body)))
        self._flush()

    def _flush(self) -> None:
        self._loop.remove_writer(self._socket)
        try:
            while self._waiting:
                self._socket.send(self._waiting[0])
                self._waiting.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._socket, self._flush)
        except OSError as error:
            log.error("the front of %s is no longer answered: %s", self._vpc_id, error)
            self.close()


def network_path(label: ListenerLabel, client: str, secure: bool) -> NetworkPath:
    """Return the network path of a connection that a listener accepted.

    Through a VPC endpoint, the sender's private address is ``vpc_source_ip``. At a service's public address, the sender
    has its public address, which is ``source_ip``, and conditions see no VPC.
    """
    if label.public:
        return NetworkPath(source_ip=client, secure=secure, router_vpc_id=label.vpc_id)
    return NetworkPath(secure=secure, vpc_id=label.vpc_id, vpc_endpoint_id=label.endpoint_id, vpc_source_ip=client)


def _unreadable(message: str) -> Reply:
    return json_reply(400, {"code": "Malformed", "message": message}, ("connection", "close"))
