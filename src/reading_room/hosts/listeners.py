"""The server's side of the listeners in VPCs: fronts read what clients send, and request the answers here.

The agent made each front's channel for one VPC. The VPC, the labels of its listeners, and the peer's address on each
accepted connection are the facts behind conditions such as ``aws:SourceVpce``; nothing that a client sends is. A front
that was taken over can only impersonate the clients of its own VPC.
"""

from __future__ import annotations

import asyncio
import logging
import socket
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
from reading_room.codec import DocumentError
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.front.records import Head
from reading_room.hosts.front_ends import FrontEnd, SocketFront
from reading_room.iam.container_credentials import json_reply
from reading_room.jobs.part_requests import BODY_LIMIT
from reading_room.vpc.endpoints.resolver import Found

T = TypeVar("T")

log = logging.getLogger(__name__)

KNOW_SECONDS = 5.0
"""How long a request through an unknown listener waits, because the agent informs fronts and server separately."""


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
        self._fronts: set[FrontEnd] = set()

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
        self._fronts.add(SocketFront(vpc_id, self, self._fronts.discard, sock))

    def close(self) -> None:
        """End every channel."""
        for front in list(self._fronts):
            front.close()

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return the records of a name and type; ``None`` to send no answer."""
        return self._resolver.look_up(vpc_id, name, kind)

    async def certificate(self, vpc_id: str, endpoint_id: str | None) -> str | None:
        """Return the certificate and key of an endpoint, in PEM; ``None`` if the VPC has no listener of it."""
        served = await self._until(lambda: self._serves((vpc_id, "endpoint-https", endpoint_id)) or None)
        return None if served is None else await asyncio.to_thread(self._certificate, endpoint_id)

    async def find(self, vpc_id: str, head: Head) -> tuple[AsgiApplication, Scope]:
        """Return the application for a request, and its network path for the scope. Raises ``DocumentError``."""
        known = await self._until(lambda: self._known(vpc_id, head))
        if known is None:
            raise DocumentError(f"a request through {head.address}:{head.port}, where there is no listener")
        label, app = known
        facts = {PATH_KEY: network_path(label, head.client, head.kind == "endpoint-https"), ONLY_KEY: label.service}
        return app, ({} if label.kind == "credentials" else facts)

    def label_of(self, vpc_id: str, head: Head) -> ListenerLabel | None:
        """Return the label of the listener that a request came through."""
        known = self._known(vpc_id, head)
        return None if known is None else known[0]

    def _known(self, vpc_id: str, head: Head) -> tuple[ListenerLabel, AsgiApplication] | None:
        return self._by_place.get((vpc_id, head.kind, head.address, head.port))

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
