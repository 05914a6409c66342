"""Where the page for Prometheus is served. No VPC can reach it, and only this machine unless the operator says so."""

from __future__ import annotations

from reading_room.hosts.listen_addresses import ListenAddress, ListenAddressError, is_loopback
from reading_room.settings import Settings

OPTION = "READING_ROOM_METRICS_PORT"
HOST_OPTION = "READING_ROOM_METRICS_HOST"


def metrics_address(settings: Settings) -> ListenAddress | None:
    """Return where metrics are served, ``None`` if they are off. Raises ``ListenAddressError`` if it is unsafe.

    The page needs no signature. So beyond loopback it has HTTPS, and no VPC may have a way to this machine's networks.
    """
    port, host = settings.metrics_port, settings.metrics_host
    if not port:
        return None
    for option, taken in (
        ("--port", settings.port),
        ("--tls-port", settings.tls_port),
        ("--console-port", settings.console_port),
    ):
        if port == taken:
            raise ListenAddressError(f"{OPTION} and {option} are both {port}: choose another for one of them")
    if is_loopback(host):
        return ListenAddress(host, port, secure=False)
    if not settings.tls_cert and settings.tls == "off":
        raise ListenAddressError(
            f"{HOST_OPTION}={host} can be reached from other machines, and plain HTTP stays on loopback: give a "
            "certificate with --tls-cert and --tls-key, or set READING_ROOM_TLS=own, or leave it at 127.0.0.1"
        )
    if settings.uplink != "off":
        raise ListenAddressError(
            f"{HOST_OPTION}={host} could be reached from VPCs through the uplink {settings.uplink}, and metrics need "
            "no signature: leave it at 127.0.0.1, or set READING_ROOM_UPLINK=off"
        )
    return ListenAddress(host, port, secure=True)
