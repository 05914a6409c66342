"""Recognition of errors of a full disk, from any part of the program. Making room resolves them."""

from __future__ import annotations

import errno
import sqlite3

_OF_FILES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The file system is full, a quota is exhausted, or a file reaches the process's size limit."""
_OF_SQLITE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_SHMSIZE,  # No room for the index of the write-ahead log.
        sqlite3.SQLITE_IOERR_WRITE,  # SQLite's error for EDQUOT and EFBIG.
    }
)
_OF_POSTGRESQL = "53100"


def is_full(error: BaseException) -> bool:
    """Return whether a file or database error means that there was no room to write."""
    if isinstance(error, OSError):
        return error.errno in _OF_FILES
    found = getattr(error, "orig", error)  # SQLAlchemy's errors wrap those of the drivers.
    if getattr(found, "sqlstate", None) == _OF_POSTGRESQL:
        return True
    return isinstance(found, sqlite3.Error) and getattr(found, "sqlite_errorcode", None) in _OF_SQLITE
