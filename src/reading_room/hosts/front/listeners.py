"""Serving the listening sockets of one VPC: DNS, HTTP and HTTPS; or one listen address outside of VPCs.

Their bytes are read here and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine, Mapping
from typing import Any

from reading_room.dataplane.spec import ListenerLabel
from reading_room.hosts.certificate_loading import load_certificate
from reading_room.hosts.front.channel import Channel, Unavailable
from reading_room.hosts.front.dns import Resolver
from reading_room.hosts.front.records import Answered, Certificate, Leave, Listen
from reading_room.hosts.front.relay import ATTACH_SECONDS, Relay
from reading_room.hosts.http_listener import PEER_CONNECTIONS, HttpListener
from reading_room.hosts.unfinished import ROOM, Proof, Room

_log = logging.getLogger(__name__)


class FrontListeners:
    """Every listener of one VPC, or one outside of VPCs. Its methods run in the event loop's thread."""

    def __init__(self, attach_seconds: float = ATTACH_SECONDS, unfinished: Mapping[Proof, Room] = ROOM) -> None:
        """``unfinished`` is the room of the listener outside of VPCs."""
        self._relay = Relay(attach_seconds)
        self._unfinished = unfinished
        self.lost = asyncio.Event()
        """Set while the last channel is lost and there is no new one."""
        self._resolver = Resolver(self._ask)
        self._http: dict[ListenerLabel, HttpListener] = {}
        self._dns: dict[ListenerLabel, asyncio.DatagramTransport | asyncio.Server] = {}
        self._secure: dict[ListenerLabel, socket.socket] = {}
        """HTTPS listeners that have no certificate yet."""
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._starting: set[asyncio.Task[None]] = set()
        self.public: HttpListener | None = None
        """The listener outside of VPCs, if this is its front."""

    def attach(self, sock: socket.socket) -> None:
        """Use this channel to the server from now on."""

        def lost() -> None:
            self._relay.detach(channel)
            if self.public is not None:
                # The next server must be able to listen there, and its answers would not reach these clients.
                self.public.cut()
            if self._relay.channel is None:
                self.lost.set()

        channel = Channel(sock, self._take_certificate, lost, self._listen, self._leave)
        self._relay.attach(channel)
        self.lost.clear()
        for endpoint_id in {
            label.endpoint_id for label in (*self._secure, *self._http) if label.kind == "endpoint-https"
        }:
            self._want(endpoint_id)

    async def add(self, label: ListenerLabel, sock: socket.socket) -> None:
        """Serve a socket, replacing one with the same label. HTTPS is served as soon as the certificate arrives."""
        self.remove(label)
        sock.setblocking(False)
        if label.kind in ("resolver-udp", "resolver-tcp"):
            self._dns[label] = await self._resolver.serve(label.kind, sock)
        elif label.kind != "endpoint-https":
            await self._serve(label, sock, None)
        elif (context := self._contexts.get(label.endpoint_id)) is not None:
            await self._serve(label, sock, context)
        else:
            self._secure[label] = sock
            self._want(label.endpoint_id)

    def remove(self, label: ListenerLabel) -> None:
        """Close a listener and cut its connections at once; ignore an unknown label."""
        if (listener := self._http.pop(label, None)) is not None:
            listener.cut()
        if (dns := self._dns.pop(label, None)) is not None:
            dns.close()
        if (waiting := self._secure.pop(label, None)) is not None:
            waiting.close()

    def tell(self, text: str) -> None:
        """Send a line for the server's log, if a server is connected."""
        if self._relay.channel is not None:
            self._relay.channel.tell(text)

    async def drain(self, seconds: float) -> None:
        """Stop accepting, let requests in progress finish for ``seconds``, then cut the rest."""
        for dns in self._dns.values():
            dns.close()
        for waiting in self._secure.values():
            waiting.close()
        public = () if self.public is None else (self.public,)
        await asyncio.gather(*(listener.drain(seconds) for listener in (*self._http.values(), *public)))

    def _listen(self, wanted: Listen, sock: socket.socket) -> None:
        app = self._relay.application("public", secure=wanted.secure)
        tls = self._contexts[None] if wanted.secure else None
        self.public = HttpListener(app, sock, tls, wanted.most_of_a_peer, wanted.origins, unfinished=self._unfinished)
        self._begin(self.public.start())

    def _leave(self, wanted: Leave) -> None:
        self._begin(self._drain_public(wanted.seconds))

    async def _drain_public(self, seconds: float) -> None:
        if self.public is not None:
            await self.public.drain(seconds)
        if self._relay.channel is not None:
            self._relay.channel.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _serve(self, label: ListenerLabel, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        app = self._relay.application(label.kind, label.address, label.port, secure=context is not None)  # type: ignore[arg-type]
        listener = HttpListener(app, sock, context, PEER_CONNECTIONS)
        self._http[label] = listener
        await listener.start()

    async def _ask(self, name: str, kind: int) -> Answered:
        if self._relay.channel is None:
            raise Unavailable
        return await self._relay.channel.ask(name, kind)

    def _want(self, endpoint_id: str | None) -> None:
        if self._relay.channel is not None:
            try:
                self._relay.channel.want_certificate(endpoint_id)
            except Unavailable:
                _log.warning("the server does not take the request for a certificate of %s", endpoint_id)

    def _take_certificate(self, certificate: Certificate) -> None:
        context = server_context_of(certificate.pem.encode("ascii"))
        self._contexts[certificate.endpoint_id] = context
        for label, listener in self._http.items():
            if label.kind == "endpoint-https" and label.endpoint_id == certificate.endpoint_id:
                listener.renew(context)
        if self.public is not None and certificate.endpoint_id is None:
            self.public.renew(context)
        for label in [each for each in self._secure if each.endpoint_id == certificate.endpoint_id]:
            self._begin(self._serve(label, self._secure.pop(label), context))


def server_context_of(pem: bytes) -> ssl.SSLContext:
    """Return a listener's TLS context for a certificate and its key in PEM. Raises ``ssl.SSLError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, pem)
    return context
