"""Network namespaces: creation, entry by a thread, and pins, which keep them beyond the end of this process.

``setns`` and ``unshare`` affect only the calling thread. They are called through ctypes, because ``os`` has them only
since Python 3.12. A pin is a bind mount of the namespace's file in the caller's mount namespace. For the agent that is
the holder's, so nothing is ever mounted on the host.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MNT_DETACH = 2
MINE = "/proc/thread-self/ns/net"
"""The calling thread's namespace (``/proc/self`` would name the main thread's)."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.setns.argtypes = [ctypes.c_int, ctypes.c_int]
_libc.unshare.argtypes = [ctypes.c_int]
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]


def _check(result: int, action: str) -> None:
    """Raise the ``OSError`` of a failed C call."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{action}: {os.strerror(number)}")


def enter(descriptor: int) -> None:
    """Move the calling thread into the network namespace of ``descriptor``."""
    _check(_libc.setns(descriptor, CLONE_NEWNET), "enter a network namespace (setns)")


@contextmanager
def inside(descriptor: int) -> Iterator[None]:
    """Run the body with the calling thread in another network namespace, and return to the old one in any case.

    A thread that cannot return would open every later socket in the wrong namespace. So the ``OSError`` of the return
    is raised even if the body raised another exception.
    """
    home = os.open(MINE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(descriptor)
        try:
            yield
        finally:
            enter(home)
    finally:
        os.close(home)


def new_namespace() -> int:
    """Create an empty network namespace and return the only descriptor that keeps it alive."""
    home = os.open(MINE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(CLONE_NEWNET), "make a network namespace (unshare)")
        try:
            return os.open(MINE, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            enter(home)
    finally:
        os.close(home)


def identity(descriptor: int) -> tuple[int, int]:
    """Return the identity of a namespace: the device and inode of its file."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


class PinBoard:
    """A directory of pinned namespaces, by name.

    The directory must be private to the mount namespace in use (a tmpfs of the holder). A crash between two steps may
    leave a file without a namespace mounted on it. Such a file does not count as a pin and is removed.
    """

    def __init__(self, directory: Path) -> None:
        """Use ``directory``, and create it if it is missing."""
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self) -> tuple[str, ...]:
        """Return the names of all pinned namespaces, and remove files without a namespace."""
        device = os.stat(MINE).st_dev
        names = []
        for entry in sorted(os.scandir(self.directory), key=lambda entry: entry.name):
            if entry.stat().st_dev == device:
                names.append(entry.name)
            else:
                os.unlink(entry.path)
        return tuple(names)

    def create(self, name: str) -> int:
        """Create a namespace, pin it as ``name``, and return an open descriptor of it."""
        descriptor = new_namespace()
        try:
            self.pin(name, descriptor)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def pin(self, name: str, descriptor: int) -> None:
        """Pin an open namespace as ``name``."""
        path = self.directory / name
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDONLY | os.O_CLOEXEC, 0o600))
            source = f"/proc/self/fd/{descriptor}".encode()
            _check(_libc.mount(source, bytes(path), None, MS_BIND, None), f"pin the namespace {name} (mount)")
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def open(self, name: str) -> int:
        """Return an open descriptor of a pinned namespace."""
        return os.open(self.directory / name, os.O_RDONLY | os.O_CLOEXEC)

    def remove(self, name: str) -> None:
        """Remove the pin, if there is one. The namespace ends with its last descriptor and process."""
        path = self.directory / name
        result = _libc.umount2(bytes(path), MNT_DETACH)
        if result != 0 and ctypes.get_errno() not in (errno.EINVAL, errno.ENOENT):
            _check(result, f"unpin the namespace {name} (umount2)")
        path.unlink(missing_ok=True)
