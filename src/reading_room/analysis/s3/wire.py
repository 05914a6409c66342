"""HTTP/1.1 to S3 and to the credentials address, over connections that are used again."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

CONNECT_SECONDS, READ_SECONDS = 4.0, 60.0
DOCUMENT_LIMIT = 16 << 20
"""Bytes of an answer that is read as a whole; a listing of a thousand keys of the greatest length has a third."""


class NoAnswer(Exception):
    """There was no answer to a request, or only a part of one.

    ``name_unknown`` says that DNS does not resolve the host's name.
    """

    def __init__(self, message: str, *, name_unknown: bool = False) -> None:
        super().__init__(message)
        self.name_unknown = name_unknown


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``origin`` is a URL without a path, ``target`` the path and query, percent-encoded."""

    method: str
    origin: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""
    body: bytes = b""

    @property
    def url(self) -> str:
        """The whole address."""
        return self.origin + self.target


class Answer(Protocol):
    """The status and headers of an answer, and its body, which is still to be read."""

    @property
    def status(self) -> int:
        """The status code."""
        ...

    @property
    def reason(self) -> str:
        """The words beside the status code."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by their names in lower case."""
        ...

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the body; none at its end. Raise ``NoAnswer`` if it is cut off."""
        ...

    def close(self) -> None:
        """Give up the rest of the body."""
        ...


class Wire(Protocol):
    """Sends requests."""

    def send(self, request: Request) -> Answer:
        """Send a request, and return when the headers of its answer are here. Raise ``NoAnswer``."""
        ...


def whole(answer: Answer) -> bytes:
    """Return the body of an answer. Raise ``NoAnswer`` if it is cut off, or larger than ``DOCUMENT_LIMIT``."""
    pieces: list[bytes] = []
    left = DOCUMENT_LIMIT
    while piece := answer.read(min(left + 1, 1 << 20)):
        left -= len(piece)
        if left < 0:
            answer.close()
            raise NoAnswer(f"the answer has more than {DOCUMENT_LIMIT:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


class HttpWire:
    """Implements ``Wire`` with sockets, for any number of threads.

    ``authority`` is a file with the certificate authorities to trust, by default those of the system.
    """

    def __init__(self, authority: str | None = None) -> None:
        self._tls = ssl.create_default_context(cafile=authority)
        self._lock = threading.Lock()
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}

    def send(self, request: Request) -> Answer:
        """Send a request, and return when the headers of its answer are here. Raise ``NoAnswer``."""
        connection = self._idle_connection(request.origin) or self._connected(request)
        try:
            try:
                connection.request(request.method, request.target, request.body or None, dict(request.headers))
            except (BrokenPipeError, ConnectionResetError):
                # A request may be refused before all of it has been read; then the answer is already here.
                pass
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(f"no answer from {request.url}: {_said(error)}") from error
        return _HttpAnswer(self, request, connection, response)

    def keep(self, origin: str, connection: http.client.HTTPConnection) -> None:
        """Keep a connection, whose last answer was read, for the next request."""
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def _idle_connection(self, origin: str) -> http.client.HTTPConnection | None:
        while True:
            with self._lock:
                kept = self._idle.get(origin)
                if not kept:
                    return None
                connection = kept.pop()
            if _is_open(connection):
                return connection
            connection.close()

    def _connected(self, request: Request) -> http.client.HTTPConnection:
        parts = urlsplit(request.origin)
        host = parts.hostname or ""
        connection = (
            http.client.HTTPSConnection(host, parts.port, timeout=CONNECT_SECONDS, context=self._tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)
        )
        try:
            connection.connect()
            connection.sock.settimeout(READ_SECONDS)
        except OSError as error:
            connection.close()
            unknown = isinstance(error, socket.gaierror)
            raise NoAnswer(f"no connection to {request.url}: {_said(error)}", name_unknown=unknown) from error
        return connection


class _HttpAnswer:
    """Implements ``Answer``."""

    def __init__(
        self,
        wire: HttpWire,
        request: Request,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
    ) -> None:
        self._wire = wire
        self._request = request
        self._connection: http.client.HTTPConnection | None = connection
        self._response = response
        self.status = response.status
        self.reason = response.reason
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the body; none at its end. Raise ``NoAnswer`` if it is cut off."""
        try:
            piece = self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoAnswer(f"the answer from {self._request.url} was cut off: {_said(error)}") from error
        if not piece and self._response.length:
            self.close()
            raise NoAnswer(f"the answer from {self._request.url} was cut off")
        if self._response.isclosed() and not self._response.length and self._connection is not None:
            connection, self._connection = self._connection, None
            if not self._response.will_close:
                self._wire.keep(self._request.origin, connection)
        return piece

    def close(self) -> None:
        """Give up the rest of the body."""
        self._response.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """Return whether a connection is neither closed nor has anything unexpected to read."""
    if connection.sock is None:
        return False
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
