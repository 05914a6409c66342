"""A listener for hosts on loopback, which answers hosts without a certificate and says who the others are."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reading_room.agent.frames import FrameReader, send_frame
from reading_room.aws.throttling import Buckets
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.fleet import authority, database_time, hosts, tokens
from reading_room.fleet.certificates import HostAuthority
from reading_room.fleet.hosts import NewHost
from reading_room.fleet.invitation import Invitation
from reading_room.fleet.tables import HostRow
from reading_room.hosts.joining.admission import Admission
from reading_room.hosts.joining.documents import QUESTION_LIMIT
from reading_room.hosts.joining.host import Description, join
from reading_room.hosts.joining.host_folder import HostFolder, Joined
from reading_room.hosts.joining.tls import key_of, server_context
from tests.worlds.fleet import ZONES, new_host

REGION = "us-east-1"


def description(host: str = "reader-2", place: int = 2, **more: Any) -> Description:
    """Return what a host says of itself."""
    values: dict[str, Any] = {
        "host": host,
        "zone": ZONES[1],
        "underlay": f"10.0.0.{place}",
        "cores": 4,
        "memory_bytes": 8 << 30,
        "labels": {"disk": "ssd"},
    }
    return Description(**(values | more))


@dataclass
class Installation:
    """A ``serve`` with a listener for hosts."""

    database: Database
    authority: HostAuthority
    admission: Admission
    port: int = 0
    seen: list[str | None] = field(default_factory=list)
    """The key of each client, as its certificate shows it."""

    def invitation(self, seconds: int = tokens.SECONDS) -> Invitation:
        """Return an invitation with a new token."""
        with self.database.transaction() as session:
            token = tokens.create(session, database_time.now(session), seconds)
        return Invitation("127.0.0.1", self.port, self.authority.fingerprint, token.secret)

    def join(self, folder: Path, invitation: Invitation, *arguments: Any, **more: Any) -> Joined:
        """Let a host join; its link carries 1500 bytes."""
        clock = more.pop("clock", system_clock)
        told = description(*arguments, **more)
        return join(HostFolder.of(folder), invitation, told, clock, lambda: {told.underlay: 1500})

    def rows(self) -> list[HostRow]:
        """Return the hosts that have joined."""
        with self.database.reading() as session:
            return hosts.every(session)

    def answers(self, listening: socket.socket, context: ssl.SSLContext) -> None:
        """Answer one connection after the other until the socket is shut down."""
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                question = FrameReader(connection, take_descriptors=False, limit=QUESTION_LIMIT).read()
                shown = connection.getpeercert(binary_form=True)
                self.seen.append(None if shown is None else key_of(shown))
                if question is not None:
                    send_frame(connection, self.admission.answer(question, "127.0.0.1"))


def of_serve() -> NewHost:
    """Return the host of ``serve``."""
    return new_host("local", 1, public_key="")


@contextlib.contextmanager
def installation(database: Database, first: Any = of_serve, buckets: Buckets | None = None) -> Iterator[Installation]:
    """Serve an installation to new hosts while the block runs."""
    now = dt.datetime.now(dt.UTC)
    with database.transaction() as session:
        signer = authority.of_installation(session, now)
    found = Installation(database, signer, Admission(database, signer, REGION, ZONES, first, buckets=buckets))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found.port = listening.getsockname()[1]
        thread = threading.Thread(target=found.answers, args=(listening, server_context(signer, now)), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
