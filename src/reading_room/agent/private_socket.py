"""Unix sockets of the agent that only one user may connect to."""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from pathlib import Path

from reading_room.agent.frames import short_path


def listening(path: Path, owner: int | None, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a socket that listens at a path, replacing the socket of an earlier agent.

    ``owner`` becomes the owner of its file, which nobody else may connect to. Raises ``OSError``.
    """
    found = socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC)
    try:
        folder, name = short_path(path)
        try:
            path.unlink(missing_ok=True)
            # Created inaccessible: nobody may connect before the owner is set.
            before = os.umask(0o177)
            try:
                found.bind(name)
            finally:
                os.umask(before)
            if owner is not None:
                _give(name, owner)
        finally:
            os.close(folder)
        found.listen(4)
    except BaseException:
        found.close()
        raise
    return found


def user_of(connection: socket.socket) -> int:
    """Return the user id, in this user namespace, of the process that has connected."""
    user: int = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]
    return user


def _give(path: str, owner: int) -> None:
    # The folder may belong to the server, which could put a link to anything there: only chown a socket.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENOTSOCK, "the path that was just bound is no longer a socket", path)
        os.chown(f"/proc/self/fd/{descriptor}", owner, -1)
    finally:
        os.close(descriptor)
