"""Starting the holder, and the process that does it for an ordinary user's ``up``.

A holder gets further user ids from ``newuidmap``, which gains privileges. ``up`` and all its other children must not be
able to, so ``up`` forks this process before it takes on its filter. It does nothing but start holders, and ends with
``up``.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from reading_room.agent import holder as holders
from reading_room.agent.errors import AgentError
from reading_room.cli.agent_config import runtime_folder
from reading_room.cli.folder import StartError
from reading_room.cli.options import command
from reading_room.settings import Settings

_STARTED = b"started"
_LONGEST = 4096
"""Bytes of a message: a path, or the reason of a failure."""


class HolderNotStarted(AgentError):
    """No holder was started; the message is that of the process that tried."""


class HolderStarter:
    """The process, as ``up`` sees it."""

    def __init__(self) -> None:
        """Start it, by a fork: no other thread may run yet."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = os.fork()
        if self._process == 0:
            try:
                self._socket.close()
                _serve(theirs)
            finally:
                os._exit(0)
        theirs.close()

    def start(self, runtime_dir: Path, rootless: bool) -> holders.Holder:
        """Have a holder started, as ``holders.start`` does. Raise ``HolderNotStarted``."""
        assert rootless
        try:
            self._socket.send(os.fsencode(runtime_dir))
            told = self._socket.recv(_LONGEST)
        except OSError:
            told = b""
        found = holders.recorded(runtime_dir) if told == _STARTED else None
        if found is None:
            raise HolderNotStarted(told.decode() or "the process that starts the holder has ended: start again")
        return found

    def end(self) -> None:
        """End the process."""
        self._socket.close()
        os.waitpid(self._process, 0)


def running_holder(settings: Settings, starter: HolderStarter | None = None) -> holders.Holder:
    """Return the holder of an installation, started if it does not run, by ``starter`` if there is one.

    Raises ``StartError``.
    """
    start = holders.start if starter is None else starter.start
    try:
        return holders.adopt_or_start(runtime_folder(settings), os.geteuid() != 0, start)
    except AgentError as error:
        raise StartError(f"{error}; `{command(settings, 'doctor')}` says what is missing") from None


def _serve(connection: socket.socket) -> None:
    """Start a holder for each message, until ``up`` has ended."""
    # Ctrl-C is for ``up``, which ends this process.
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    while folder := connection.recv(_LONGEST):
        _reap()
        try:
            holders.start(Path(os.fsdecode(folder)), rootless=True)
            connection.send(_STARTED)
        except AgentError as error:
            connection.send(str(error).encode()[:_LONGEST])


def _reap() -> None:
    """Reap the holders that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
