"""A slow disk: the system calls that wait for a disk take longer, for every process that is started under it.

The kernel itself holds these calls (seccomp user notification) until they are due, and then carries them out. Only root
can start processes under it that may still gain rights, as a product's must. This file is also the program that starts
one: ``python slow_disk.py SOCKET PROGRAM …``.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import heapq
import os
import select
import selectors
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyseccomp

SYNCS = ("fsync", "fdatasync", "syncfs", "sync_file_range")
WRITES = ("pwrite64",)
"""Writes at a place in a file, such as the database's. Those of streams go to pipes and sockets as well."""
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION, _ANSWER = struct.Struct("=QIIiIQ48x"), struct.Struct("=QqiI")
_CONTINUE = 1
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3


class SlowDisk:
    """Delays the calls of processes that were started with ``under`` before their command."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._path = str(folder / "slow-disk")
        self._socket.bind(self._path)
        self._socket.listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._numbers = {
            pyseccomp.resolve_syscall(pyseccomp.system_arch(), name): name in SYNCS for name in (*SYNCS, *WRITES)
        }
        self._delays = (0.0, 0.0)
        self._held: list[tuple[float, int, int]] = []
        self.calls = 0
        """How many calls were delayed."""
        threading.Thread(target=self._run, name="slow disk", daemon=True).start()

    @property
    def under(self) -> list[str]:
        """The beginning of a command whose process has this disk."""
        return [sys.executable, __file__, self._path]

    @contextmanager
    def slow(self, sync: float, write: float) -> Iterator[None]:
        """Let each sync and each write take this many seconds longer until the block ends."""
        self._delays = sync, write
        try:
            yield
        finally:
            self._delays = (0.0, 0.0)
            os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        while True:
            wait = max(0.0, self._held[0][0] - time.monotonic()) if self._held else None
            for key, _ in self._selector.select(wait):
                if key.fd == self._wake:
                    os.eventfd_read(self._wake)
                    self._held = [(0.0, listener, identifier) for _, listener, identifier in self._held]
                elif key.fileobj is self._socket:
                    self._accept()
                else:
                    self._receive(key.fd)
            while self._held and self._held[0][0] <= time.monotonic():
                _, listener, identifier = heapq.heappop(self._held)
                _go_on(listener, identifier)

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            _, found, _, _ = socket.recv_fds(connection, 1, 1)
            self._selector.register(found[0], selectors.EVENT_READ)
            connection.sendall(b"!")

    def _receive(self, listener: int) -> None:
        notification = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(listener, _RECEIVE, notification)
        except OSError as error:
            if error.errno == errno.ENOENT and not _has_processes(listener):
                self._selector.unregister(listener)
                os.close(listener)
            return  # The process has ended meanwhile.
        identifier, _, _, number, _, _ = _NOTIFICATION.unpack(notification)
        delay = self._delays[0 if self._numbers.get(number, False) else 1]
        if delay:
            self.calls += 1
            heapq.heappush(self._held, (time.monotonic() + delay, listener, identifier))
        else:
            _go_on(listener, identifier)


def _has_processes(listener: int) -> bool:
    """Return whether any process is left under a listener: it hangs up after the last one."""
    poll = select.poll()
    poll.register(listener, 0)
    return not poll.poll(0)


def _go_on(listener: int, identifier: int) -> None:
    try:
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(identifier, 0, 0, _CONTINUE))
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EINPROGRESS):
            raise


def main(path: str, *argv: str) -> None:
    """Become another program, whose calls are reported to the socket at ``path``."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in (*SYNCS, *WRITES):
        rules.add_rule(pyseccomp.NOTIFY, name)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        program = ctypes.create_string_buffer(file.read())
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"!"], [_install(program)])
        connection.recv(1)
    os.execvp(argv[0], argv)


def _install(program: ctypes.Array[ctypes.c_char]) -> int:
    """Install a filter in this process and return its listener."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), "seccomp")
    given = array.array("B", struct.pack("@HP", (len(program) - 1) // 8, ctypes.addressof(program)))
    address, _ = given.buffer_info()
    listener = libc.syscall(number, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.c_void_p(address))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
