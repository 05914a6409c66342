"""Unnamed network namespaces, and threads that enter one and return.

``os.setns`` and ``os.unshare`` only exist since Python 3.12, so both calls go through the C library. Both affect only
the calling thread.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _own_network() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class StrandedThread(Exception):
    """A thread could not leave a namespace; whatever it opened next would be in the wrong place."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the agent cannot return to its own network namespace: {error.strerror}")


def _come_back(descriptor: int) -> None:
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), "setns")
    except OSError as error:
        raise StrandedThread(error) from error


def new_network_namespace() -> int:
    """Return an open descriptor of a new, empty network namespace whose loopback is down. Raises ``OSError``."""
    before = _own_network()
    try:
        _check(_libc.unshare(CLONE_NEWNET), "unshare of the network namespace")
        try:
            return _own_network()
        finally:
            _come_back(before)
    finally:
        os.close(before)


@contextmanager
def inside_network(descriptor: int) -> Iterator[None]:
    """Run the body with the calling thread, and its children, in that network namespace. Raises ``OSError``."""
    before = _own_network()
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), "setns into the container's network namespace")
        try:
            yield
        finally:
            _come_back(before)
    finally:
        os.close(before)
