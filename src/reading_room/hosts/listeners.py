"""What serves the sockets inside VPCs: endpoints of services, resolvers and the credentials address.

The agent opens a socket inside a VPC and hands it over with its label. The label, and the peer's address on each
accepted connection, are the facts that conditions such as ``aws:SourceVpce`` are decided by; nothing that a client
sends is. This module does not care where a descriptor comes from.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol
from weakref import WeakValueDictionary

from reading_room.aws.call import NetworkPath, Reply
from reading_room.aws.receive import (
    BODY_SECONDS,
    ONLY_KEY,
    PATH_KEY,
    BodyTooLarge,
    BodyTooSlow,
    Disconnected,
    read_body,
    read_headers,
    send_reply,
)
from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.http_listener import HttpListener
from reading_room.iam.container_credentials import json_reply
from reading_room.jobs.part_requests import BODY_LIMIT

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

log = logging.getLogger(__name__)

PEER_CONNECTIONS = 512
"""Connections of one address to one listener of a VPC at a time; more are closed at once."""
DNS_TCP_SECONDS = 5.0
DNS_TCP_CONNECTIONS = 64
"""The same for questions by TCP, in one VPC."""
DNS_MESSAGE_LIMIT = 65_535


class Resolver(Protocol):
    """Answers DNS questions of one VPC."""

    def answer(self, vpc_id: str, packet: bytes, source: str) -> bytes | None:
        """Return the answer to a packet, or ``None`` to stay silent (support off, rate exceeded, not DNS)."""
        ...


class Credentials(Protocol):
    """Answers at the credentials address."""

    def expects(self, method: str, path: str, vpc_id: str, source_ip: str) -> bool:
        """Say whether the body of a request is worth reading."""
        ...

    def handle(self, method: str, path: str, vpc_id: str, source_ip: str, body: bytes = b"") -> Reply:
        """Return the answer to one request."""
        ...


class VpcListeners:
    """Every listener of every VPC on one host. Its methods run in the event loop's thread.

    ``s3`` answers at endpoints of S3, ``api`` at those of all other services. ``tls`` returns the context for a
    listener of an endpoint, by the endpoint's id. What is sent to the credentials address must be here within
    ``body_seconds``.
    """

    def __init__(
        self,
        s3: Application,
        api: Application,
        resolver: Resolver,
        credentials: Credentials,
        tls: Callable[[str | None], ssl.SSLContext],
        *,
        body_seconds: float = BODY_SECONDS,
    ) -> None:
        self._s3 = s3
        self._api = api
        self._resolver = resolver
        self._credentials = credentials
        self._tls = tls
        self._body_seconds = body_seconds
        self._http: dict[ListenerLabel, HttpListener] = {}
        self._dns: dict[ListenerLabel, asyncio.DatagramTransport | asyncio.Server] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def labels(self) -> frozenset[ListenerLabel]:
        """What is served now."""
        return frozenset(self._http) | frozenset(self._dns)

    async def add(self, label: ListenerLabel, sock: socket.socket) -> None:
        """Serve a socket; one with the same label is replaced."""
        self.remove(label)
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        if label.kind == "resolver-udp":
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _DnsDatagrams(self._resolver, label.vpc_id), sock=sock
            )
            self._dns[label] = transport
        elif label.kind == "resolver-tcp":
            self._dns[label] = await asyncio.start_server(self._dns_stream(label.vpc_id), sock=sock)
        else:
            secure = label.kind == "endpoint-https"
            app = self._credentials_app(label) if label.kind == "credentials" else self._endpoint_app(label, secure)
            listener = HttpListener(app, sock, self._tls(label.endpoint_id) if secure else None, PEER_CONNECTIONS)
            await listener.start()
            self._http[label] = listener
        log.debug("serving %s of %s at %s:%d", label.kind, label.vpc_id, label.address, label.port)

    def remove(self, label: ListenerLabel) -> None:
        """Close a listener and cut its connections at once; an unknown label is no error."""
        if (listener := self._http.pop(label, None)) is not None:
            listener.cut()
        if (dns := self._dns.pop(label, None)) is not None:
            dns.close()

    def release(self) -> None:
        """Close all listening sockets, for the agent that opened them is gone; accepted connections go on.

        The next agent opens sockets at the same addresses, which these would occupy.
        """
        for listener in self._http.values():
            listener.stop_accepting()
        for dns in self._dns.values():
            dns.close()
        self._http.clear()
        self._dns.clear()

    def _endpoint_app(self, label: ListenerLabel, secure: bool) -> Application:
        serve = self._s3 if label.service == "s3" else self._api

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope[PATH_KEY] = network_path(label, scope["client"][0], secure)
                scope[ONLY_KEY] = label.service
            await serve(scope, receive, send)

        return app

    def _credentials_app(self, label: ListenerLabel) -> Application:
        # One request of an address at a time: whoever sends many, or slowly, waits for itself and for nobody else.
        asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

        async def answer(scope: Scope, receive: Any) -> Reply:
            asked = scope["method"], scope["raw_path"].decode("latin-1"), label.vpc_id, scope["client"][0]
            body = b""
            if scope["method"] == "POST" and await asyncio.to_thread(self._credentials.expects, *asked):
                try:
                    body = await read_body(receive, read_headers(scope), BODY_LIMIT, self._body_seconds)
                except BodyTooLarge:
                    return _unreadable(f"the body has more than {BODY_LIMIT} bytes")
                except BodyTooSlow:
                    return _unreadable("the body did not arrive in time")
            return await asyncio.to_thread(self._credentials.handle, *asked, body)

        async def app(scope: Scope, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            lock = asking.setdefault(scope["client"][0], asyncio.Lock())
            async with lock:
                try:
                    reply = await answer(scope, receive)
                except Disconnected:
                    return
            await send_reply(send, reply)

        return app

    def _dns_stream(self, vpc_id: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        asking: Counter[str] = Counter()
        told: set[str] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            source = writer.get_extra_info("peername")[0]
            if asking[source] >= DNS_TCP_CONNECTIONS:
                if source not in told:
                    log.warning("refused a question of %s in %s, which has %d", source, vpc_id, DNS_TCP_CONNECTIONS)
                    told.add(source)
                writer.transport.abort()
                return
            asking[source] += 1
            try:
                async with asyncio.timeout(DNS_TCP_SECONDS):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    answer = self._resolver.answer(vpc_id, await reader.readexactly(size), source)
                    if answer is not None:
                        writer.write(len(answer).to_bytes(2, "big") + answer)
                        await writer.drain()
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
                log.debug("DNS over TCP from %s in %s ended early: %r", source, vpc_id, error)
            finally:
                asking[source] -= 1
                if not asking[source]:
                    del asking[source]
                    told.discard(source)
                writer.close()

        return serve


def network_path(label: ListenerLabel, client: str, secure: bool) -> NetworkPath:
    """Return the facts of a connection that a listener accepted.

    Through a VPC endpoint the sender's private address is ``vpc_source_ip``. At a service's public address the sender
    is known by its public address, which is ``source_ip``, and no VPC is known.
    """
    if label.public:
        return NetworkPath(source_ip=client, secure=secure)
    return NetworkPath(secure=secure, vpc_id=label.vpc_id, vpc_endpoint_id=label.endpoint_id, vpc_source_ip=client)


def _unreadable(message: str) -> Reply:
    return json_reply(400, {"code": "Malformed", "message": message}, ("connection", "close"))


class _DnsDatagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver, vpc_id: str) -> None:
        self._resolver = resolver
        self._vpc_id = vpc_id
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        answer = self._resolver.answer(self._vpc_id, data, str(addr[0]))
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("DNS datagram in %s: %r", self._vpc_id, exc)
