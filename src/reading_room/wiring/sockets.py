"""The listeners of the AWS APIs and of the console, one at each address that the settings name."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass

from reading_room.agent.public_listeners import PublicListener as Name
from reading_room.aws.cors import CrossOrigin
from reading_room.aws.receive import AsgiApplication
from reading_room.clock import system_clock
from reading_room.console.application import console_application
from reading_room.console.listen_address import OPTION, Origins, console_address
from reading_room.hosts.http_listener import PEER_CONNECTIONS, HttpListener
from reading_room.hosts.known_names import KnownNames
from reading_room.hosts.listen_addresses import ListenAddress, ListenerCertificate, bound, is_loopback, listen_addresses
from reading_room.hosts.public_listener import PublicListener
from reading_room.metrics import listen_address as metrics
from reading_room.sealing import Sealer
from reading_room.settings import Settings

MetricsPage = Callable[[ListenerCertificate | None], AsgiApplication]
"""Makes the page for Prometheus, which has the end of the certificate."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A listen address that is open; ``renew`` makes it use a new certificate, if it has one."""

    name: Name
    address: ListenAddress
    serving: HttpListener | PublicListener
    renew: Callable[[ssl.SSLContext], None]


@dataclass(frozen=True, slots=True)
class _Served:
    name: Name
    address: ListenAddress
    app: AsgiApplication
    socket: socket.socket
    origins: Collection[str] = ()


def open_listeners(
    settings: Settings,
    app: AsgiApplication,
    sealer: Sealer,
    is_bucket: Callable[[str], bool],
    metrics_page: MetricsPage | None = None,
) -> tuple[list[Listener], ListenerCertificate | None]:
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
    names: tuple[Name, Name] = ("apis", "apis-https")
    served = [
        _Served(name, address, apis, bound(address), origins) for name, address in zip(names, wanted, strict=False)
    ]
    if (console := console_address(settings)) is not None:
        served.append(_Served("console", console, console_application(settings), bound(console, OPTION)))
    if metrics_address is not None and metrics_page is not None:
        # A stranger's page in a browser here must not read them by pointing its own name to this machine.
        page = KnownNames(metrics_page(certificate), settings, certified, lambda _: False)
        sock = bound(metrics_address, metrics.OPTION, metrics.HOST_OPTION)
        served.append(_Served("metrics", metrics_address, page, sock))

    def opened(each: _Served) -> Listener:
        each.socket.listen(1024)
        local, secure = is_loopback(each.address.host), each.address.secure
        # On loopback every client has the same address.
        most = None if local else PEER_CONNECTIONS
        if local and settings.fronts == "public":
            direct = HttpListener(each.app, each.socket, context if secure else None, most, each.origins)
            return Listener(each.name, each.address, direct, direct.renew if secure else _unchanged)
        pem = certificate.pem if certificate is not None and secure else None
        fronted = PublicListener(each.address, each.app, each.socket, pem, most, each.origins)

        def renew(_: ssl.SSLContext) -> None:
            if certificate is not None and secure:
                fronted.renew(certificate.pem)  # A front makes its own context.

        return Listener(each.name, each.address, fronted, renew)

    return [opened(each) for each in served], certificate


def _unchanged(_: ssl.SSLContext) -> None:
    """Do nothing: a listener without TLS has no certificate."""
