"""A receiver of web hooks whose answers a test chooses, byte by byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECRET = bytes(range(32))
KEY_LINE = f"first whsec_{base64.b64encode(SECRET).decode()}\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The event in its body."""
        return dict(json.loads(self.body))

    def is_signed_with(self, secret: bytes) -> bool:
        """Return whether the signature is right, as a receiver checks it."""
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        right = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        return hmac.compare_digest(self.headers["webhook-signature"], f"v1,{right}")


@dataclass
class Receiver:
    """A server on loopback. It answers with ``answer``; with ``None`` it says nothing and keeps the connection."""

    port: int
    answer: bytes | None = NO_CONTENT
    came: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(context: ssl.SSLContext | None = None, port: int = 0) -> Iterator[Receiver]:
    """Run a receiver for the length of the block."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        found = Receiver(listener.getsockname()[1])
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError):
                    _answer(connection if context is None else context.wrap_socket(connection, server_side=True))

        def _answer(connection: socket.socket) -> None:
            with connection.makefile("rb") as stream:
                path = stream.readline().split()[1].decode()
                headers = {}
                while line := stream.readline().strip():
                    name, _, value = line.decode().partition(": ")
                    headers[name.lower()] = value
                body = stream.read(int(headers["content-length"]))
            found.came.append(Received(path, headers, body))
            if found.answer is None:
                kept.append(connection)
                return
            connection.sendall(found.answer)
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            # Otherwise the thread would go on waiting in accept.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def key_file(folder: Path, line: str = KEY_LINE, mode: int = 0o600) -> str:
    """Write a signing key to a file, and return its path."""
    path = folder / "webhook-key"
    path.write_text(line)
    path.chmod(mode)
    return str(path)


def states(came: Sequence[Received]) -> list[tuple[str, str]]:
    """Return the job and the status of each event, in order."""
    return [(each.event["detail"]["JobId"], each.event["detail"]["Status"]) for each in came]
