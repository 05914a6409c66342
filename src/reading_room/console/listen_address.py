"""Where the web console is served: a port of its own beside the main door of the APIs, and the names it is opened by.

A page's origin is its scheme, host and port, as the browser has them. The console never shares one with the APIs, so
that no object can read what the console keeps. Whoever opens it by a name speaks with the APIs by that name as well.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reading_room.hosts.listen_addresses import (
    ListenAddress,
    ListenAddressError,
    is_loopback,
    is_unspecified,
    listen_addresses,
    local_address,
)
from reading_room.settings import Settings

OPTION = "--console-port"
_STANDARD_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """The console's own origins, and for each the origin at which its pages find the APIs."""

    apis: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings) -> Origins:
        """Return the origins that settings make; none where the console is off. Raises ``DoorError``."""
        listen_address = console_address(settings)
        if listen_address is None:
            return cls({})
        scheme = "https" if listen_address.secure else "http"
        return cls(
            {
                _origin(scheme, host, listen_address.port): _origin(scheme, _nameable(host), settings.port)
                for host in _hosts(settings)
            }
        )

    def by_authority(self) -> dict[str, str]:
        """Return the origin of the APIs by the ``Host`` header of a request to the console."""
        return {origin.partition("://")[2]: api for origin, api in self.apis.items()}


def console_address(settings: Settings) -> ListenAddress | None:
    """Return where the console listens, ``None`` when it is off. Raises ``DoorError`` where it could not be used."""
    port = settings.console_port
    if not port:
        return None
    for option, taken in (("--port", settings.port), ("--tls-port", settings.tls_port)):
        if port == taken:
            raise ListenAddressError(
                f"{option} and {OPTION} are both {port}: choose another for one of them, or {OPTION} 0 for no console"
            )
    main = listen_addresses(settings)[0]
    if not (is_loopback(main.host) or is_unspecified(main.host)) and not any(map(_fits, _told(settings))):
        raise ListenAddressError(
            f"the console has no name by which its pages could reach the APIs at {main.host}, for a browser's content "
            f"security policy cannot name an IPv6 address: set READING_ROOM_TLS_NAMES, or {OPTION} 0 for no console"
        )
    return ListenAddress(main.host, port, secure=main.secure)


def console_url(settings: Settings) -> str | None:
    """Return the console's address as a person on this machine opens it. Raises ``DoorError``."""
    listen_address = console_address(settings)
    if listen_address is None:
        return None
    host = local_address(settings).host
    if not _fits(host) and not is_loopback(host):
        host = next(filter(_fits, _told(settings)), "localhost")
    return f"{ListenAddress(host, listen_address.port, listen_address.secure).url}/"


def _hosts(settings: Settings) -> list[str]:
    return list(dict.fromkeys(("localhost", "127.0.0.1", "::1", *filter(_fits, _told(settings)))))


def _told(settings: Settings) -> Iterator[str]:
    """Yield the names of this machine that the settings say."""
    for name in (settings.host, *settings.tls_names.split(",")):
        if name and not is_unspecified(name):
            yield name.lower()


def _fits(host: str) -> bool:
    """Whether a content security policy can name a host: its grammar has no IPv6 addresses."""
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return True


def _nameable(host: str) -> str:
    return host if _fits(host) else "localhost"


def _origin(scheme: str, host: str, port: int) -> str:
    """Return an origin as browsers write it: without the port that is the scheme's own."""
    authority = f"[{host}]" if ":" in host else host
    return f"{scheme}://{authority}" + ("" if port == _STANDARD_PORTS[scheme] else f":{port}")
