"""Starting our own processes that give up every right: those that read what workers write and what VPCs send."""

from __future__ import annotations

import socket
import subprocess
import sys


def start(module: str, user: int | None) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a module of ours; return its process, and our end of the socket that is its descriptor 0.

    The socket keeps messages apart (``SOCK_SEQPACKET``). ``None`` keeps this process's user id. Raises ``OSError`` and
    ``subprocess.SubprocessError``.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # What it would write there could hold the words of whoever it reads.
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
                umask=0o077,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        except BaseException:
            ours.close()
            raise
    return process, ours
