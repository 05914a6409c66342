"""A disk that is full: which errors say so, whoever met it. It is no fault of the program, and ends with room made."""

from __future__ import annotations

import errno
import sqlite3

_OF_FILES = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No room on the file system, in a quota, or below the limit of a process on the size of files."""
_OF_SQLITE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_SHMSIZE,  # The index of the write-ahead log has no room.
        sqlite3.SQLITE_IOERR_WRITE,  # What SQLite says where it met EDQUOT or EFBIG.
    }
)


def is_full(error: BaseException) -> bool:
    """Say whether an error means that there was no room to write: one of a file, or of the database."""
    if isinstance(error, OSError):
        return error.errno in _OF_FILES
    found = getattr(error, "orig", error)  # SQLAlchemy's errors have SQLite's own.
    return isinstance(found, sqlite3.Error) and getattr(found, "sqlite_errorcode", None) in _OF_SQLITE
