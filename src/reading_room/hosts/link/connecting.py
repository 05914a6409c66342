"""How a link connects to a ``serve``: over TLS, with a first document that says what the connection is for."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.frames import Greeting
from reading_room.codec import encode
from reading_room.hosts.link.documents import (
    ANSWER_LIMIT,
    Opening,
    Purpose,
    parse_place,
)
from reading_room.hosts.link.places import Places
from reading_room.hosts.link.streams import Documents, notice_dead_peer

CONNECT_SECONDS = 5.0
"""How long a connection, its handshake, and the answer to its first document may each take."""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """Where a link connects to.

    ``agent`` is the path of the agent's socket. ``places`` are the known addresses of ``serve`` processes.
    ``context`` has this host's certificate and trusts the authority of the installation, whose server certificates
    name ``server_name``. ``authority`` is the file for the certificate of the authority that containers trust, which
    the agent waits for; its folder exists.
    """

    agent: Path
    authority: Path
    places: Places
    context: ssl.SSLContext
    server_name: str
    answer_seconds: float = 1.0
    """How long the search for the leader waits for one ``serve`` before it asks the next one, too."""
    quiet_seconds: float = 3.0
    """How long the leader may say nothing before others are asked whether they lead. It answers requests for the lease
    of the host, of which an agent sends one every two seconds."""
    places_seconds: float = 30.0
    """How often the leader is asked where other ``serve`` processes listen, as one may have been started."""


async def connect(config: LinkConfig, place: str, purpose: Purpose) -> Documents:
    """Return a connection whose first document is sent. Raises ``OSError``."""
    host, port = parse_place(place)
    connection = Documents(ANSWER_LIMIT)
    async with asyncio.timeout(CONNECT_SECONDS * 2):
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: connection,
            host,
            port,
            ssl=config.context,
            server_hostname=config.server_name,
            ssl_handshake_timeout=CONNECT_SECONDS,
        )
    notice_dead_peer(transport.get_extra_info("socket"))
    connection.write(encode(Opening(Greeting(), purpose)))
    return connection


async def answer(connection: Documents) -> bytes:
    """Return the document that answers the first one. Raises ``OSError`` and ``DocumentError``."""
    async with asyncio.timeout(CONNECT_SECONDS):
        document = await connection.next()
    if document is None:
        # Nobody leads at the moment, or there are too many connections.
        raise ConnectionResetError("it closed the connection")
    return document
