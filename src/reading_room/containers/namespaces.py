"""Network namespaces without a name, and threads that step into one and back.

``os.setns`` and ``os.unshare`` exist from Python 3.12 only, so both calls go through the C library. Both act on the
calling thread alone.
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


def new_network_namespace() -> int:
    """Return an open descriptor of a new, empty network namespace whose loopback is down. Raises ``OSError``."""
    before = _own_network()
    try:
        _check(_libc.unshare(CLONE_NEWNET), "unshare of the network namespace")
        try:
            return _own_network()
        finally:
            _check(_libc.setns(before, CLONE_NEWNET), "setns back to the agent's network namespace")
    finally:
        os.close(before)


@contextmanager
def inside_network(descriptor: int) -> Iterator[None]:
    """Run the body with the calling thread, and what it forks, in that network namespace. Raises ``OSError``."""
    before = _own_network()
    try:
        _check(_libc.setns(descriptor, CLONE_NEWNET), "setns into the container's network namespace")
        try:
            yield
        finally:
            _check(_libc.setns(before, CLONE_NEWNET), "setns back to the agent's network namespace")
    finally:
        os.close(before)
