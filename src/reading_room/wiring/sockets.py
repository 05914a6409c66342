"""The listeners at the doors: of the AWS APIs, and of the console."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection

from reading_room.aws.cors import CrossOrigin
from reading_room.aws.receive import AsgiApplication
from reading_room.clock import system_clock
from reading_room.console.application import console_application
from reading_room.console.listen_address import OPTION, Origins, console_address
from reading_room.hosts.http_listener import PEER_CONNECTIONS, HttpListener
from reading_room.hosts.known_names import KnownNames
from reading_room.hosts.listen_addresses import ListenAddress, ListenerCertificate, bound, is_loopback, listen_addresses
from reading_room.sealing import Sealer
from reading_room.settings import Settings


def open_doors(
    settings: Settings, app: AsgiApplication, sealer: Sealer, is_bucket: Callable[[str], bool]
) -> tuple[list[tuple[ListenAddress, HttpListener]], ListenerCertificate | None]:
    """Return a listener at each door, the console's the last, and what looks after the certificate where there is one.

    Raises ``DoorError``.
    """
    wanted = listen_addresses(settings)
    certificate, context = None, None
    if any(listen_address.secure for listen_address in wanted):
        certificate = ListenerCertificate(settings, system_clock, sealer)
        context = certificate.context()
    origins = Origins.of(settings).apis
    apis = KnownNames(
        CrossOrigin(app, origins),
        settings,
        lambda: certificate.given_names if certificate is not None else (),
        is_bucket,
    )
    served: list[tuple[ListenAddress, AsgiApplication, socket.socket, Collection[str]]] = [
        (listen_address, apis, bound(listen_address), origins) for listen_address in wanted
    ]
    if (console := console_address(settings)) is not None:
        served.append((console, console_application(settings), bound(console, OPTION), ()))
    opened = []
    for listen_address, application, sock, readers in served:
        sock.listen(1024)
        # On loopback every client has the same address.
        most = None if is_loopback(listen_address.host) else PEER_CONNECTIONS
        opened.append(
            (listen_address, HttpListener(application, sock, context if listen_address.secure else None, most, readers))
        )
    return opened, certificate
