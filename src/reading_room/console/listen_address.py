"""Where the web console listens: its own port at the main listen address of the APIs, and the names that it answers to.

A page's origin is its scheme, host and port, as the browser sees them. The console never shares an origin with the
APIs, so that no object can read what the console stores. Pages opened by one name call the APIs by the same name.
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
    """The console's own origins, each with the origin at which its pages find the APIs."""

    apis: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings) -> Origins:
        """Return the origins for the settings; none if the console is off. Raises ``ListenAddressError``."""
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
    """Return where the console listens, ``None`` if it is off. Raises ``ListenAddressError`` if it cannot be used."""
    port = settings.console_port
    if not port:
        return None
    for option, taken in (("--port", settings.port), ("--tls-port", settings.tls_port)):
        if port == taken:
            raise ListenAddressError(
                f"{option} and {OPTION} are both {port}: choose another for one of them, or turn the console off "
                f"with {OPTION} 0"
            )
    main = listen_addresses(settings)[0]
    if not (is_loopback(main.host) or is_unspecified(main.host)) and not any(map(_fits, _configured_names(settings))):
        raise ListenAddressError(
            f"the console has no name by which its pages could reach the APIs at {main.host}, because a browser's "
            "content security policy cannot name an IPv6 address: set READING_ROOM_TLS_NAMES, or turn the console off "
            f"with {OPTION} 0"
        )
    return ListenAddress(main.host, port, secure=main.secure)


def console_url(settings: Settings) -> str | None:
    """Return the console's URL for a browser on this machine. Raises ``ListenAddressError``."""
    listen_address = console_address(settings)
    if listen_address is None:
        return None
    host = local_address(settings).host
    if not _fits(host) and not is_loopback(host):
        host = next(filter(_fits, _configured_names(settings)), "localhost")
    return f"{ListenAddress(host, listen_address.port, listen_address.secure).url}/"


def _hosts(settings: Settings) -> list[str]:
    return list(dict.fromkeys(("localhost", "127.0.0.1", "::1", *filter(_fits, _configured_names(settings)))))


def _configured_names(settings: Settings) -> Iterator[str]:
    """Yield the names of this machine in the settings."""
    for name in (settings.host, *settings.tls_names.split(",")):
        if name and not is_unspecified(name):
            yield name.lower()


def _fits(host: str) -> bool:
    """Return whether a content security policy can name a host: its grammar has no IPv6 addresses."""
    try:
        return ipaddress.ip_address(host).version == 4
    except ValueError:
        return True


def _nameable(host: str) -> str:
    return host if _fits(host) else "localhost"


def _origin(scheme: str, host: str, port: int) -> str:
    """Return an origin as browsers write it, without the scheme's default port."""
    authority = f"[{host}]" if ":" in host else host
    return f"{scheme}://{authority}" + ("" if port == _STANDARD_PORTS[scheme] else f":{port}")
