"""The listener for hosts: TLS with certificates on both sides, and then one purpose for each connection.

What is not yet known to come from a host is limited in number and time: a stranger can delay the connections of hosts,
but neither fill this process nor be taken for a host.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from reading_room.codec import DocumentError, encode
from reading_room.hosts.few_lines import FewLines
from reading_room.hosts.joined_host import JoinedHost
from reading_room.hosts.joining.documents import QUESTION_LIMIT
from reading_room.hosts.link.documents import (
    OPENING_LIMIT,
    Accepted,
    Answer,
    Control,
    FrontOpened,
    LaneReady,
    LeaderElsewhere,
    NotAccepted,
    Opening,
    PlacesKnown,
    PlacesWanted,
    read_opening,
)
from reading_room.hosts.link.streams import Documents, notice_dead_peer

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 5.0
OPENING_SECONDS = 5.0
"""How long the first document may take after the handshake."""
STRANGERS = 256
"""The most connections whose first document has not arrived."""
STRANGERS_OF_ADDRESS = 64
CONNECTIONS_OF_HOST = 4_000
"""The most connections of one host: a lane for each request in progress, and a front for each VPC."""
EXHAUSTED_SECONDS = 0.1
"""How long nothing is accepted when the process has no descriptors left."""
REPORT_SECONDS, REPORT_PAUSE_SECONDS = 10.0, 0.1
"""How long a new host waits for the first report of the server's own host, and how often that is checked.

The new host itself waits 15 s for its answer.
"""


class Membership(Protocol):
    """Which hosts belong to the installation. Its methods may block."""

    def identify(self, certificate: bytes) -> str | None:
        """Return the name of the host with this certificate (DER), ``None`` if it belongs to none, or no more."""
        ...

    def can_admit(self) -> bool:
        """Return whether the server's own host has reported what others need to know to join. Does not block."""
        ...

    def admit(self, question: bytes, address: str) -> bytes:
        """Return the answer to a host that has no certificate yet, at an address."""
        ...


class LinkListener:
    """Accepts the connections of links at one socket. Its methods run in the event loop's thread."""

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        membership: Membership,
        joined: Callable[[str], JoinedHost],
        authority: Callable[[], str],
        *,
        leader: Callable[[], str | None] = lambda: None,
        places: Callable[[], Sequence[str]] = tuple,
        opening_seconds: float = OPENING_SECONDS,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        report_seconds: float = REPORT_SECONDS,
    ) -> None:
        """``context`` trusts only the authority for hosts. ``joined`` returns a host by its name,
        ``authority`` the certificate (PEM) of the authority that containers trust, and ``leader`` where the leading
        ``serve`` listens for hosts (``HOST:PORT``): ``None`` if it is this one, and an empty text if nobody leads now.
        ``places`` returns where other ``serve`` processes do.

        A client without a certificate may ask one question, by which a host joins.
        """
        sock.setblocking(False)
        self._socket = sock
        self._context = context
        self._membership = membership
        self._joined = joined
        self._authority = authority
        self._leader = leader
        self._places = places
        self._opening_seconds = opening_seconds
        self._handshake_seconds = handshake_seconds
        self._report_seconds = report_seconds
        self._accepting: asyncio.Task[None] | None = None
        self._strangers: set[asyncio.Task[None]] = set()
        self._addresses: Counter[str] = Counter()
        self._lines = FewLines(log)

    def start(self) -> None:
        """Begin to accept connections."""
        self._socket.listen(1024)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept no more, and end what has not become a host's connection."""
        if self._accepting is not None:
            self._accepting.cancel()
        for task in self._strangers:
            task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except OSError as error:
                self._lines.warn(f"cannot accept a connection of a host: {error}")
                await asyncio.sleep(EXHAUSTED_SECONDS)
                continue
            peer = address[0]
            if len(self._strangers) >= STRANGERS or self._addresses[peer] >= STRANGERS_OF_ADDRESS:
                self._lines.warn(f"refused a connection from {peer}: too many have not said what they are")
                accepted.close()
                continue
            self._addresses[peer] += 1
            task = loop.create_task(self._meet(accepted, peer))
            self._strangers.add(task)
            task.add_done_callback(lambda done, peer=peer: self._met(done, peer))  # type: ignore[misc]

    def _met(self, task: asyncio.Task[None], peer: str) -> None:
        self._strangers.discard(task)
        self._addresses[peer] -= 1
        if not self._addresses[peer]:
            del self._addresses[peer]

    async def _meet(self, accepted: socket.socket, peer: str) -> None:
        connection = Documents(OPENING_LIMIT)
        try:
            notice_dead_peer(accepted)
            # What uvloop returns is not this protocol, but the one of TLS.
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection,
                sock=accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_seconds,
            )
            certificate = connection.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if certificate is None:
                connection.limit = QUESTION_LIMIT
            async with asyncio.timeout(self._opening_seconds):
                document = await connection.next()
            if document is None:
                connection.close()
            elif certificate is None:
                await self._report_of_own_host()
                connection.write(await asyncio.to_thread(self._membership.admit, document, peer))
                connection.transport.close()
            else:
                name = await asyncio.to_thread(self._membership.identify, certificate)
                await self._open(name, certificate, read_opening(document), connection, peer)
        except (OSError, DocumentError) as error:
            self._lines.warn(f"a connection from {peer} ended: {error or 'it took too long'}")
            self._end(accepted, connection)
        except Exception:
            log.exception("a connection from %s could not be served", peer)
            self._end(accepted, connection)
        except asyncio.CancelledError:
            self._end(accepted, connection)
            raise

    async def _report_of_own_host(self) -> None:
        """Wait for that report, which comes a moment after the start. Without it, hosts are told to try again."""
        for _ in range(math.ceil(self._report_seconds / REPORT_PAUSE_SECONDS)):
            if self._membership.can_admit():
                return
            await asyncio.sleep(REPORT_PAUSE_SECONDS)

    def _end(self, accepted: socket.socket, connection: Documents) -> None:
        if connection.made:
            connection.close()
        else:
            accepted.close()

    async def _open(
        self, name: str | None, certificate: bytes, opening: Opening, connection: Documents, peer: str
    ) -> None:
        """Begin what the connection of a host is for."""
        purpose = opening.purpose
        if name is None:
            self._lines.warn(f"refused a connection from {peer}: the host of its certificate does not belong here")
            self._refuse(purpose, connection, "it does not belong to the installation, or no more: join again")
            return
        host = self._joined(name)
        if host.connections >= CONNECTIONS_OF_HOST:
            raise DocumentError(f"the host {name} has {CONNECTIONS_OF_HOST} connections already")
        if isinstance(purpose, Control):
            leader = await asyncio.to_thread(self._leader)
            if leader is not None:
                if leader:
                    connection.write(encode(Answer(LeaderElsewhere(leader))))
                connection.transport.close()
                return
            authority = await asyncio.to_thread(self._authority)
            others = await asyncio.to_thread(self._places)
            connection.write(encode(Answer(Accepted(authority, tuple(others)))))
            host.certificate = certificate
            host.begin(host.control(connection), connection)
        elif isinstance(purpose, PlacesWanted):
            connection.write(encode(Answer(PlacesKnown(tuple(await asyncio.to_thread(self._places))))))
            connection.transport.close()
        elif isinstance(purpose, FrontOpened):
            host.begin(host.front(connection, purpose.vpc_id), connection)
        elif isinstance(purpose, LaneReady):
            host.begin(host.lane(connection), connection)
        else:
            host.begin(host.realtime(connection, purpose.container_id), connection)

    def _refuse(self, purpose: object, connection: Documents, reason: str) -> None:
        if isinstance(purpose, Control):
            connection.write(encode(Answer(NotAccepted(reason))))
        connection.transport.close()
