"""The agent's end of the reader: the process without privileges that reads what workers wrote.

The agent opens the file of one container, hands over the descriptor and gets back one typed record. The descriptor, and
nothing that a worker wrote, therefore identifies the worker. The record is not trusted either: it is read like a
document from the server, and the schema must allow its values.
"""

from __future__ import annotations

import array
import logging
import re
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from typing import Protocol

from reading_room.analysis.job_file import (
    CODE_PATTERN,
    COUNT_LIMIT,
    METADATA_LIMIT,
    SHA256_PATTERN,
    TEXT_LIMIT,
    Done,
    Failed,
    Progress,
    WorkerMessage,
)
from reading_room.codec import DocumentError, decode
from reading_room.containers import rightless
from reading_room.containers.errors import ReaderFailed

_log = logging.getLogger(__name__)

LINE_LIMIT = 65_536
"""The most bytes of one message, and of one read."""
TAIL_LIMIT = TEXT_LIMIT
"""The most bytes of the end of a worker's standard error in a report."""
REPLY_LIMIT = 4 * LINE_LIMIT
REQUEST = struct.Struct("!cQ")
"""What to read (``MESSAGES`` or ``TAIL``), and the first byte; sent with one descriptor."""
MESSAGES, TAIL, READY = b"m", b"t", b"ready"
ANSWER_SECONDS, START_SECONDS, RETRY_SECONDS = 5.0, 60.0, 1.0


@dataclass(frozen=True, slots=True)
class Said:
    """The result of a read: whole messages in ``taken`` bytes, or the end of the diagnostics as ``text``.

    ``fault`` says what broke the schema; empty if nothing did. Only the last of several reports of progress in a row is
    included.
    """

    messages: tuple[WorkerMessage, ...] = ()
    taken: int = 0
    fault: str = ""
    text: str = ""


class Reader(Protocol):
    """Reads what workers wrote."""

    def read(self, what: bytes, descriptor: int, offset: int) -> Said:
        """Read ``MESSAGES`` from an offset, or the ``TAIL``, of an open file. Raises ``ReaderFailed``."""
        ...

    def close(self) -> None:
        """End."""
        ...


class ReaderProcess:
    """Implements ``Reader`` with a process that is started ahead and restarted when it fails."""

    def __init__(self, user: int | None) -> None:
        """Start it with a user id. ``None`` keeps the agent's own; then only the system call filter confines it."""
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._ready = False
        self._not_before = 0.0
        self._start()

    def read(self, what: bytes, descriptor: int, offset: int) -> Said:
        """Have the process read; a file on which it fails twice has a fault. Raises ``ReaderFailed``."""
        for last in (False, True):
            connection = self._connected()
            try:
                return self._exchange(connection, what, descriptor, offset)
            except (OSError, DocumentError) as error:
                _log.error("the reader of workers' output failed and is restarted: %s", error)
                self.close()
                if last:
                    return Said(fault="reading it failed twice")
        raise AssertionError("unreachable")

    @property
    def pid(self) -> int | None:
        """The process; ``None`` while there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End it."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._socket = self._process = None

    def _start(self) -> None:
        try:
            self._process, ours = rightless.start("reading_room.containers.reader_process", self._user)
        except (OSError, subprocess.SubprocessError) as error:
            raise ReaderFailed(str(error)) from error
        self._socket, self._ready = ours, False

    def _connected(self) -> socket.socket:
        if self._socket is None:
            if time.monotonic() < self._not_before:
                raise ReaderFailed("it failed a moment ago")
            self._start()
        assert self._socket is not None
        if not self._ready:
            self._socket.settimeout(START_SECONDS)
            try:
                first = self._socket.recv(len(READY))
            except OSError as error:
                first = str(error).encode()
            if first != READY:
                self._not_before = time.monotonic() + RETRY_SECONDS
                self.close()
                raise ReaderFailed("it did not start")
            self._ready = True
            self._socket.settimeout(ANSWER_SECONDS)
        return self._socket

    def _exchange(self, connection: socket.socket, what: bytes, descriptor: int, offset: int) -> Said:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
        connection.sendmsg([REQUEST.pack(what, offset)], [rights])
        reply = connection.recv(REPLY_LIMIT)
        if not reply:
            raise ConnectionResetError("it ended")
        # After an upgrade has replaced the files, an agent that still runs may start a newer reader.
        said = decode(Said, reply, newer=True)
        _check(said)
        return said


def _check(said: Said) -> None:
    fits = 0 <= said.taken <= LINE_LIMIT and max(len(said.text), len(said.fault)) <= TAIL_LIMIT
    if not fits or not all(map(_allowed, said.messages)):
        raise DocumentError("it returned something that the schema does not allow")


def _allowed(message: WorkerMessage) -> bool:
    if isinstance(message, Failed):
        return bool(re.fullmatch(CODE_PATTERN, message.code)) and len(message.message) <= TEXT_LIMIT
    if isinstance(message, Progress):
        return _counts(message.documents, message.of)
    if isinstance(message, Done):
        texts = len(message.metadata) <= METADATA_LIMIT and len(message.warning) <= TEXT_LIMIT
        return (
            texts
            and bool(re.fullmatch(SHA256_PATTERN, message.sha256))
            and _counts(message.documents, message.errors, message.size)
        )
    return True


def _counts(*numbers: int) -> bool:
    return all(0 <= number < COUNT_LIMIT for number in numbers)
