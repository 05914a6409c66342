"""The guard of an ordinary user's ``serve``: the process that was started, and that stays outside.

``serve`` is the first process of a pid namespace of its own, in a view of the files without the certificate that was
given. The guard passes signals on to it, takes the certificate in again when it is another, tells systemd what is ready
and ends as ``serve`` does. When the guard is killed, the kernel kills ``serve``.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

CERTIFICATE_SECONDS = 1.0
"""How often it is looked whether the given certificate is another."""
FORWARDED = (signal.SIGTERM, signal.SIGINT)
"""Blocked by whoever becomes the guard, until it can pass them on."""


def notify(state: str) -> None:
    """Tell systemd a state, if it has started this process and wants to know (``Type=notify``)."""
    notifier()(state)


def notifier() -> Callable[[str], None]:
    """Return ``notify`` for a process that will soon reach no socket any more: it is connected now."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return lambda _: None
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # A leading @ is how systemd writes an address that is no file.
    systemd.connect("\0" + address[1:] if address.startswith("@") else address)

    def tell(state: str) -> None:
        with systemd:
            systemd.send(state.encode())

    return tell


def argv(child: int, told: int, sealed: int, data: Path, certificate: str, key: str) -> list[str]:
    """Return the command line of the guard of a process, which says on the descriptor ``told`` that it is ready.

    The descriptor ``sealed`` has the root key.
    """
    numbers = (str(number) for number in (child, told, sealed))
    return [sys.executable, "-I", "-m", "reading_room.cli.guard", *numbers, str(data), certificate, key]


def main(child: int, told: int, sealed: int, data: Path, certificate: str, key: str) -> None:
    """Guard a child of this process until it ends, and end as it did."""
    with open(sealed, encoding="ascii") as pipe:
        root_key = bytes.fromhex(pipe.read())
    for number in FORWARDED:
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    ended = os.pidfd_open(child)
    open_ends = [ended, told]
    fault = ""
    while True:
        readable, _, _ = select.select(open_ends, [], [], CERTIFICATE_SECONDS if certificate else None)
        if ended in readable:
            _end_as(os.waitpid(child, 0)[1])
        if told in readable:
            if os.read(told, 64):
                notify("READY=1")
            open_ends.remove(told)
        if certificate and not readable:
            fault = _take_in(data, certificate, key, root_key, fault)


def _take_in(data: Path, certificate: str, key: str, root_key: bytes, fault: str) -> str:
    """Copy the certificate where ``serve`` reads it; return what is wrong with it, which is logged once."""
    from reading_room.hosts.listen_addresses import ListenAddressError, take_in  # Few have a certificate.
    from reading_room.sealing import Sealer
    from reading_room.settings import Settings

    if not os.access(key, os.R_OK):
        return ""
    try:
        take_in(Settings(data=data, tls_cert=certificate, tls_key=key), Sealer(root_key))
    except ListenAddressError as error:
        if str(error) != fault:
            log.warning("%s; the certificate before stays in use", error)
        return str(error)
    return ""


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), *sys.argv[5:7])
