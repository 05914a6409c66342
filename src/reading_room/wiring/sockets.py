"""The listeners of the AWS APIs and of the console, one at each address that the settings name."""

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
from reading_room.metrics import listen_address as metrics
from reading_room.sealing import Sealer
from reading_room.settings import Settings

MetricsPage = Callable[[ListenerCertificate | None], AsgiApplication]
"""Makes the page for Prometheus, which has the end of the certificate."""


def open_listeners(
    settings: Settings,
    app: AsgiApplication,
    sealer: Sealer,
    is_bucket: Callable[[str], bool],
    metrics_page: MetricsPage | None = None,
) -> tuple[list[tuple[ListenAddress, HttpListener]], ListenerCertificate | None]:
    """Return a listener for each address, those of the APIs first, and the certificate if one of them has HTTPS.

    Raises ``ListenAddressError``.
    """
    wanted = listen_addresses(settings)
    metrics_address = metrics.metrics_address(settings)
    certificate, context = None, None
    if any(address is not None and address.secure for address in (*wanted, metrics_address)):
        certificate = ListenerCertificate(settings, system_clock, sealer)
        context = certificate.context()
    origins = Origins.of(settings).apis

    def certified() -> Collection[str]:
        return certificate.given_names if certificate is not None else ()

    apis = KnownNames(CrossOrigin(app, origins), settings, certified, is_bucket)
    served: list[tuple[ListenAddress, AsgiApplication, socket.socket, Collection[str]]] = [
        (address, apis, bound(address), origins) for address in wanted
    ]
    if (console := console_address(settings)) is not None:
        served.append((console, console_application(settings), bound(console, OPTION), ()))
    if metrics_address is not None and metrics_page is not None:
        # A stranger's page in a browser here must not read them by pointing its own name to this machine.
        page = KnownNames(metrics_page(certificate), settings, certified, lambda _: False)
        served.append((metrics_address, page, bound(metrics_address, metrics.OPTION, metrics.HOST_OPTION), ()))
    opened = []
    for address, application, sock, readers in served:
        sock.listen(1024)
        # On loopback every client has the same address.
        most = None if is_loopback(address.host) else PEER_CONNECTIONS
        opened.append((address, HttpListener(application, sock, context if address.secure else None, most, readers)))
    return opened, certificate
