"""The data folder's lock, and what is checked and copied before the product starts."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reading_room.containers.processes import start_time
from reading_room.installation import Installation
from reading_room.settings import Settings

INHERITED_SECONDS = 50.0
"""How long the children of a killed ``up`` may take to end.

``serve`` first finishes requests and the turns of its loops, and the agent ends the containers.
"""


class StartError(Exception):
    """The product cannot start; the message says why and what to change."""


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: str) -> bool:
    return pid.isdigit() and start_time(int(pid)) is not None


@contextmanager
def only_one(place: Installation, data: Path, patience: float = INHERITED_SECONDS) -> Iterator[int]:
    """Hold the installation's lock, and yield its descriptor. Raises ``StartError`` when another ``up`` has it.

    The children of ``up`` inherit the descriptor, so the folder stays locked after ``up`` is killed until they have
    ended. This waits ``patience`` seconds for them, so that two agents or two servers never work on one folder.
    """
    descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            if _alive(holder):
                raise StartError(
                    f"the data folder {data} is in use by process {holder}: "
                    "stop it, or choose another folder with --data"
                )
            if time.monotonic() > deadline:
                raise StartError(
                    f"the data folder {data} is in use by processes that {holder or 'an earlier one'} started "
                    "before it was killed: end them, or choose another folder with --data"
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def check_listen_addresses(settings: Settings) -> None:
    """Raise ``StartError`` if the settings allow no safe listen address, or an address is in use."""
    # Imported here, because the agent has no listen addresses and must not load cryptography.
    from reading_room.console.listen_address import OPTION, console_address
    from reading_room.hosts.listen_addresses import (
        HOSTS_OPTION,
        ListenAddressError,
        bound,
        hosts_address,
        listen_addresses,
    )
    from reading_room.metrics import listen_address as metrics

    try:
        for listen_address in listen_addresses(settings):
            bound(listen_address).close()
        if (console := console_address(settings)) is not None:
            bound(console, f"{OPTION}; {OPTION} 0 turns the console off").close()
        if (metrics_address := metrics.metrics_address(settings)) is not None:
            bound(metrics_address, metrics.OPTION, metrics.HOST_OPTION).close()
        if (for_hosts := hosts_address(settings)) is not None:
            bound(for_hosts, HOSTS_OPTION, HOSTS_OPTION).close()
    except ListenAddressError as error:
        raise StartError(str(error)) from error


def take_certificate(settings: Settings, root_key: bytes) -> None:
    """Copy a given certificate to where ``serve`` reads it. Raises ``StartError`` if it cannot be used."""
    from reading_room.hosts.listen_addresses import ListenAddressError, take_in

    if settings.tls_cert:
        from reading_room.sealing import Sealer

        try:
            take_in(settings, Sealer(root_key))
        except ListenAddressError as error:
            raise StartError(str(error)) from error
