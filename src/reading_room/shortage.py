"""Recognition of errors of a machine that lacks something for now, other than room on its disk (``full_disk.py``).

Nothing is damaged or lost, and the same step succeeds later: clients get an error that they retry.
"""

from __future__ import annotations

import errno
import mmap
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor

MESSAGE = "The service is short of resources for now: try again."
_OF_SYSTEM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})
"""No file descriptors, no memory, or no processes and threads."""
_OF_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,  # Another program holds the database's lock.
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CANTOPEN,  # SQLite's error for a file that cannot be opened for lack of descriptors.
    }
)
"""Basic codes, which are the lowest byte of SQLite's extended ones."""
_OF_POSTGRESQL = (
    *("08", "53", "57P"),  # The connection failed; resources are lacking; the server ends or starts.
    *("40001", "40P01", "55P03"),  # A conflict with another transaction, or a lock that took too long.
    *("25006", "25P03"),  # The server has become a standby, or gave up waiting for the transaction.
)
"""The beginnings of PostgreSQL's codes."""
_OF_CONNECTION = frozenset({"OperationalError", "InterfaceError"})
_DISK_FULL = "53100"
_PROBED_BYTES = 16 << 20
"""How much memory is asked for to see whether there is some. It is never touched, so it is only address space."""
DESCRIPTORS, MEMORY = "file descriptors", "memory"
_POOL_EMPTY = "3o7r"
"""SQLAlchemy's code for the error that all connections of the pool are in use."""


def is_shortage(error: BaseException) -> bool:
    """Return whether an error means that descriptors, memory, threads, or the lock of the database are lacking."""
    if isinstance(error, OSError):
        return error.errno in _OF_SYSTEM
    found = getattr(error, "orig", error)  # SQLAlchemy's errors wrap those of the drivers.
    if hasattr(found, "sqlstate"):  # An error of PostgreSQL's driver, which need not be installed.
        if found.sqlstate is None:  # It is the driver's own.
            return any(each.__name__ in _OF_CONNECTION for each in type(found).__mro__)
        return bool(found.sqlstate != _DISK_FULL and found.sqlstate.startswith(_OF_POSTGRESQL))
    if isinstance(found, sqlite3.Error):
        code = getattr(found, "sqlite_errorcode", 0)
        return code & 0xFF in _OF_SQLITE or code == sqlite3.SQLITE_IOERR_NOMEM
    if getattr(found, "code", None) == _POOL_EMPTY:
        return True
    return isinstance(found, MemoryError) or str(found) == "can't start new thread"


def lacking() -> str:
    """Return what this process cannot get at the moment, in words, by trying to get a little of it; else empty text.

    No thread is started: the stack that it leaves would let another one start, which needs more memory than that and
    has its starter wait for ever.
    """
    try:
        os.close(os.eventfd(0, os.EFD_CLOEXEC))
    except OSError as error:
        if not is_shortage(error):
            raise
        return MEMORY if error.errno == errno.ENOMEM else DESCRIPTORS
    try:
        mmap.mmap(-1, _PROBED_BYTES).close()
    except OSError as error:
        if not is_shortage(error):
            raise
        return MEMORY
    return ""


class Threads(ThreadPoolExecutor):
    """A pool that does its work with the threads that it has if it cannot get another one. It has one from the start.

    The usual pool raises then, although the work is queued already. A call would be carried out after its client got an
    error, and perhaps after the client's next call.
    """

    def __init__(self, most: int, name: str) -> None:
        super().__init__(most, thread_name_prefix=name)
        self.submit(_nothing).result()

    def _adjust_thread_count(self) -> None:
        try:
            super()._adjust_thread_count()
        except (RuntimeError, MemoryError):
            if not self._threads:
                raise


def _nothing() -> None:
    """Do nothing, in the first thread of a pool."""
