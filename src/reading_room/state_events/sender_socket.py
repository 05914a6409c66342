"""The socket by which ``serve`` asks the process beside it to send an event to the web hook.

A connection carries one question and one answer, each a document that ends where its sender stops writing. ``serve``
keeps all state, so nothing is lost if the sender is killed at any time.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reading_room.agent.frames import connected, short_path
from reading_room.codec import DocumentError, decode, encode

NAME = "webhooks.socket"
"""The socket in the data folder, which only the user of ``serve`` can reach."""
QUESTION_BYTES, ANSWER_BYTES = 262_144, 4_096
SEND_SECONDS = 10.0
"""How long a delivery may take, with the name's resolution, the connection and the answer."""
READ_SECONDS = 5.0
"""How long a question may take to arrive."""
ANSWER_SECONDS = SEND_SECONDS + 5.0
"""How long ``serve`` waits for an answer."""


@dataclass(frozen=True, slots=True)
class Post:
    """An event on its way to the web hook: what ``serve`` asks the sender for."""

    event_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of it. ``reason`` is empty if it was accepted; with ``away`` the host did not answer at all."""

    reason: str = ""
    away: bool = False


def listening(folder: Path) -> socket.socket:
    """Return the listening socket in a folder, in place of an earlier one. Raises ``OSError``."""
    path = folder / NAME  # Not made absolute: this user may not be able to reach the folder from the root.
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    opened, name = short_path(path)
    try:
        listener.bind(name)
        path.chmod(0o600)
        listener.listen(4)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(opened)
    return listener


def answer_one(listener: socket.socket, send: Callable[[Post], Posted]) -> None:
    """Wait for a question and answer it. A connection that brings none is closed."""
    connection, _ = listener.accept()
    with closing(connection):
        connection.settimeout(READ_SECONDS)
        try:
            asked = decode(Post, _document(connection, QUESTION_BYTES))
        except (OSError, DocumentError):
            return
        try:
            connection.sendall(encode(send(asked)))
        except OSError:
            return  # Whoever asked has ended, and asks again after its next start.


def ask(folder: Path, asked: Post, seconds: float = ANSWER_SECONDS) -> Posted:
    """Ask the process that listens in a folder. Without a valid answer, the web hook is away."""
    try:
        with closing(connected(folder / NAME)) as connection:
            connection.settimeout(seconds)
            connection.sendall(encode(asked))
            connection.shutdown(socket.SHUT_WR)
            return read_answer(_document(connection, ANSWER_BYTES))
    except TimeoutError:
        return Posted("the process that sends web hooks did not answer in time", away=True)
    except OSError:
        return Posted("the process that sends web hooks (reading-room webhooks) does not run", away=True)
    except DocumentError:
        return Posted("the process that sends web hooks did not answer as expected", away=True)


def read_answer(document: bytes) -> Posted:
    """Read the sender's answer, which strangers may have influenced. Raises ``DocumentError``."""
    posted = decode(Posted, document)
    if len(posted.reason) > 1_000:
        raise DocumentError("the reason is too long")
    return posted


def _document(connection: socket.socket, most: int) -> bytes:
    got = bytearray()
    while piece := connection.recv(65_536):
        got += piece
        if len(got) > most:
            raise DocumentError("the document is too long")
    return bytes(got)
