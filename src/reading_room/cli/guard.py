"""The guard of an ordinary user's ``serve``: the process that was started, which stays outside the namespaces.

``serve`` is the first process of its own pid namespace, in a view of the files that lacks the given certificate. The
guard forwards signals to it, copies the certificate again when it changes, tells systemd when ``serve`` is ready, and
ends as ``serve`` does. If the guard is killed, the kernel kills ``serve``.
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
"""How often the given certificate is checked for changes."""
FORWARDED = (signal.SIGTERM, signal.SIGINT)
"""Blocked in the process that becomes the guard, until it can forward them."""


def notify(state: str) -> None:
    """Report a state to systemd, if it started this process with ``Type=notify``."""
    notifier()(state)


def notifier() -> Callable[[str], None]:
    """Return ``notify`` with its socket already connected, for a process that will soon be unable to reach it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return lambda _: None
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # systemd writes an address that is not a file with a leading @.
    systemd.connect("\0" + address[1:] if address.startswith("@") else address)

    def tell(state: str) -> None:
        with systemd:
            systemd.send(state.encode())

    return tell


def argv(child: int, ready: int, key_pipe: int, data: Path, certificate: str, key: str) -> list[str]:
    """Return the command line of the guard of a child, which reports on the descriptor ``ready`` that it is ready.

    The descriptor ``key_pipe`` holds the root key.
    """
    numbers = (str(number) for number in (child, ready, key_pipe))
    return [sys.executable, "-I", "-m", "reading_room.cli.guard", *numbers, str(data), certificate, key]


def main(child: int, ready: int, key_pipe: int, data: Path, certificate: str, key: str) -> None:
    """Guard a child of this process until it ends, and end as it did."""
    with open(key_pipe, encoding="ascii") as pipe:
        root_key = bytes.fromhex(pipe.read())
    for number in FORWARDED:
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    ended = os.pidfd_open(child)
    watched = [ended, ready]
    fault = ""
    while True:
        readable, _, _ = select.select(watched, [], [], CERTIFICATE_SECONDS if certificate else None)
        if ended in readable:
            _end_as(os.waitpid(child, 0)[1])
        if ready in readable:
            if os.read(ready, 64):
                notify("READY=1")
            watched.remove(ready)
        if certificate and not readable:
            fault = _take_in(data, certificate, key, root_key, fault)


def _take_in(data: Path, certificate: str, key: str, root_key: bytes, fault: str) -> str:
    """Copy the certificate to where ``serve`` reads it; return what is wrong with it, which is logged once."""
    from reading_room.hosts.listen_addresses import ListenAddressError, take_in  # Few installations have a certificate.
    from reading_room.sealing import Sealer
    from reading_room.settings import Settings

    if not os.access(key, os.R_OK):
        return ""
    try:
        take_in(Settings(data=data, tls_cert=certificate, tls_key=key), Sealer(root_key))
    except ListenAddressError as error:
        if str(error) != fault:
            log.warning("%s; the previous certificate stays in use", error)
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
