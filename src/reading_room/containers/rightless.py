"""Starting our processes without privileges: those that read what workers write and what VPCs send."""

from __future__ import annotations

import socket
import subprocess
import sys


def start(module: str, user: int | None) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start one of our modules; return its process, and our end of the socket that is its descriptor 0.

    The socket preserves message boundaries (``SOCK_SEQPACKET``). ``None`` keeps this process's user id. Raises
    ``OSError`` and ``subprocess.SubprocessError``.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # Its standard error could contain text from the clients or workers that it reads.
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
