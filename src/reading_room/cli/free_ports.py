"""The ports that ``up --port 0`` chooses: the kernel names free ones, and sockets keep them while ``up`` runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from reading_room.cli.folder import StartError
from reading_room.settings import Settings


@contextmanager
def chosen_ports(settings: Settings, *, console: bool) -> Iterator[Settings]:
    """Yield settings with a free port in place of port 0, and with ``console`` with another one for the console.

    Nobody else gets these ports during the block, in which ``serve`` may bind them. Raises ``StartError``.
    """
    with ExitStack() as claims:
        if settings.port == 0:
            settings = replace(settings, port=_claim(claims, settings.host))
            if console:
                settings = replace(settings, console_port=_claim(claims, settings.host))
        yield settings


def _claim(claims: ExitStack, host: str) -> int:
    """Return a free port, bound until the claims end.

    The socket never listens and has SO_REUSEADDR, as the socket of ``serve`` does, so ``serve`` can bind the port too.
    The kernel gives a bound port neither to another socket that asks for any port, nor to an outgoing connection.
    """
    from reading_room.hosts.listen_addresses import ListenAddress, ListenAddressError, bound

    try:
        # Whether plain HTTP may be served there is checked later, with the other settings.
        sock = bound(ListenAddress(host, 0, secure=True), "--port")
    except ListenAddressError as error:
        raise StartError(str(error)) from error
    claims.callback(sock.close)
    return int(sock.getsockname()[1])
