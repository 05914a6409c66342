"""The listeners at the doors: of the AWS APIs, and of the console."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

from reading_room.aws.cors import CrossOrigin
from reading_room.aws.receive import AsgiApplication
from reading_room.clock import system_clock
from reading_room.console.application import console_application
from reading_room.console.door import OPTION, Origins, console_door
from reading_room.hosts.doors import Door, DoorCertificate, bound, doors, is_loopback
from reading_room.hosts.http_listener import PEER_CONNECTIONS, HttpListener
from reading_room.hosts.known_names import KnownNames
from reading_room.sealing import Sealer
from reading_room.settings import Settings


def open_doors(
    settings: Settings, app: AsgiApplication, sealer: Sealer, is_bucket: Callable[[str], bool]
) -> tuple[list[tuple[Door, HttpListener]], DoorCertificate | None]:
    """Return a listener at each door, the console's the last, and what looks after the certificate where there is one.

    Raises ``DoorError``.
    """
    wanted = doors(settings)
    certificate, context = None, None
    if any(door.secure for door in wanted):
        certificate = DoorCertificate(settings, system_clock, sealer)
        context = certificate.context()
    origins = Origins.of(settings).apis
    apis = KnownNames(
        CrossOrigin(app, origins),
        settings,
        lambda: certificate.given_names if certificate is not None else (),
        is_bucket,
    )
    served: list[tuple[Door, AsgiApplication, socket.socket, Collection[str]]] = [
        (door, apis, bound(door), origins) for door in wanted
    ]
    if (console := console_door(settings)) is not None:
        served.append((console, console_application(settings), bound(console, OPTION), ()))
    opened = []
    for door, application, sock, readers in served:
        sock.listen(1024)
        # On loopback every client has the same address.
        most = None if is_loopback(door.host) else PEER_CONNECTIONS
        opened.append((door, HttpListener(application, sock, context if door.secure else None, most, readers)))
    return opened, certificate
