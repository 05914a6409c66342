"""The server's side of a listen address whose clients are read by a front (decision 0109).

The socket is the server's own. The agent makes a channel between the two for each front that it starts, and the front
gets the socket on that. So the channel says which listener a request came through, and no record of it can say more.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Collection

from reading_room.aws.receive import AsgiApplication, Scope
from reading_room.codec import DocumentError
from reading_room.hosts.front.records import Head, Listen
from reading_room.hosts.front_ends import FrontEnd, SocketFront
from reading_room.hosts.http_listener import CONNECTIONS
from reading_room.hosts.listen_addresses import ListenAddress, is_loopback, is_unspecified
from reading_room.vpc.endpoints.resolver import Found

log = logging.getLogger(__name__)


class PublicFront(SocketFront):
    """The end of the channel of such a front."""

    lanes = CONNECTIONS
    failed = False
    """Whether the front sent what is no message, so that it must be replaced."""

    def _fail(self, error: Exception) -> None:
        self.failed = True
        super()._fail(error)


class PublicListener:
    """A listen address. Its methods run in the event loop's thread.

    ``certificate`` is that of HTTPS with its key, in PEM, or ``None``. ``most_of_a_peer`` and ``origins`` are as for
    ``HttpListener``.
    """

    def __init__(
        self,
        address: ListenAddress,
        app: AsgiApplication,
        sock: socket.socket,
        certificate: str | None = None,
        most_of_a_peer: int | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self.address = address
        self.replace: Callable[[], None] = lambda: None
        """Called when the front must be replaced."""
        self._app = app
        self._socket = sock
        self._certificate = certificate
        self._wanted = Listen(address.secure, most_of_a_peer, tuple(sorted(origins)))
        self._server = sock.getsockname()[:2]
        self._fronts: set[FrontEnd] = set()
        self._newest: PublicFront | None = None
        self._over = False

    async def start(self) -> None:
        """Let the kernel take connections, which wait until there is a front."""
        self._socket.listen(1024)

    def attach(self, channel: socket.socket) -> None:
        """Let the front at the other end of a channel serve the address. An earlier one may finish what it has."""
        if self._over:
            channel.close()
            return
        front = PublicFront(self.address.url, self, self._left, channel)
        self._fronts.add(front)
        self._newest = front
        front.listen(self._wanted, self._socket, self._certificate)

    def _left(self, front: FrontEnd) -> None:
        self._fronts.discard(front)
        if front is self._newest:
            self._newest = None
            if front.failed and not self._over:
                self.replace()

    def renew(self, certificate: str) -> None:
        """Use another certificate, with its key, for new handshakes."""
        self._certificate = certificate
        if self._newest is not None:
            self._newest.renew(certificate)

    async def drain(self, seconds: float) -> None:
        """Accept no more, let requests in progress finish for ``seconds``, then cut the rest."""
        self._over = True
        self._socket.close()
        for front in list(self._fronts):
            if isinstance(front, PublicFront):
                front.leave(seconds)
        deadline = asyncio.get_running_loop().time() + seconds
        while self._fronts and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for front in list(self._fronts):
            front.close()

    def look_up(self, vpc_id: str, name: str, kind: int) -> Found | None:
        """Return no answer: there are no names outside of VPCs."""
        return None

    async def certificate(self, vpc_id: str, endpoint_id: str | None) -> str | None:
        """Return none: the front has the only one that it needs, and gets it unasked."""
        return None

    async def find(self, vpc_id: str, head: Head) -> tuple[AsgiApplication, Scope]:
        """Return the application, and what the socket says about a request. Raises ``DocumentError``."""
        if head.kind != "public":
            raise DocumentError(f"a request through a listener of the kind {head.kind}, which is in VPCs only")
        if _is_loopback(head.client) and not (is_unspecified(self.address.host) or is_loopback(self.address.host)):
            raise DocumentError(f"a request from {head.client}, which cannot come through this address")
        return self._app, {"scheme": "https" if self.address.secure else "http", "server": self._server}


def _is_loopback(client: str) -> bool:
    address = ipaddress.ip_address(client)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
