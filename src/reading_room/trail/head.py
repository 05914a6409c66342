"""The trail's head: the digest of each book's newest line, sent to another machine every minute.

Each line holds the digest of the previous line, so a head that is stored elsewhere vouches for everything before it. It
proves later whether lines were removed, changed or rewritten.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reading_room.clock import Clock
from reading_room.setting_values import SettingError
from reading_room.trail.chain import BOOKS, newest_digest

log = logging.getLogger(__name__)

SETTING = "READING_ROOM_TRAIL_HEAD"
LOCAL_SYSLOG = "/dev/log"
SYSLOG_PORT = 514
SEND_SECONDS = 10.0
"""Timeout for sending a head."""
_PRIORITY = 13 * 8 + 5
"""Facility "log audit", severity "notice" (RFC 5424)."""

Send = Callable[[str], None]
"""Sends a line, or raises ``OSError``."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of each book at a point in time."""

    at: dt.datetime
    digests: Mapping[str, str]

    def __str__(self) -> str:
        """Return it as a line of JSON."""
        document = {"trailHead": dict(self.digests), "at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return json.dumps(document, separators=(",", ":"))


def heads_of(folder: Path) -> dict[str, str]:
    """Return the digest of each book's newest line, after flushing it to the disk. Raises ``OSError``.

    If a power failure lost a line whose digest was sent already, the line would seem to have been removed.
    """
    return {book: newest_digest(folder, book) for book in BOOKS}


def read_heads(text: str) -> list[Head]:
    """Return the heads in a text, one per line, each after any prefix. Raises ``ValueError``."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line[line.index("{") :])
            digests = {book: str(document["trailHead"][book]) for book in BOOKS if book in document["trailHead"]}
            found.append(Head(dt.datetime.fromisoformat(document["at"]), digests))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ValueError(f"line {number} is not a head of a trail") from None
    return found


class HeadSender:
    """Sends the head at each turn. Logs the first of consecutive failures, and the recovery."""

    def __init__(self, heads: Callable[[], Mapping[str, str]], setting: str, data: Path, clock: Clock) -> None:
        """``setting`` is the destination, which must not be in the data folder ``data``. Raises ``SettingError``."""
        self._heads = heads
        self._clock = clock
        self._send, self._name = _destination(setting, data)
        self._failed: int | None = None

    def turn(self) -> None:
        """Send the head, or log why it cannot be sent."""
        try:
            self._send(str(Head(self._clock(), self._heads())))
        except (OSError, HTTPException) as error:
            if not self._failed:
                log.warning("the trail's head cannot be sent to %s and will be retried: %s", self._name, _reason(error))
            self._failed = (self._failed or 0) + 1
        else:
            if self._failed is None:
                log.info("the trail's head is sent to %s", self._name)
            elif self._failed:
                log.info("the trail's head is sent to %s again, after %d failures", self._name, self._failed)
            self._failed = 0


def _destination(setting: str, data: Path) -> tuple[Send, str]:
    """Return the function that sends a line, and the destination's name for the log, without secrets in the address."""
    url = urlsplit(setting)
    if url.scheme == "file":
        path = Path(url.path)
        if path.resolve().is_relative_to(data.resolve()):
            raise SettingError(SETTING, setting, "a file outside of the data folder, best on another machine")
        return lambda line: _append(path, line), str(path)
    if url.scheme in ("http", "https"):
        return lambda line: _post(setting, line), f"{url.scheme}://{url.hostname}"
    if url.hostname is None:
        return lambda line: _to_local_syslog(LOCAL_SYSLOG, line), "syslog"
    try:
        host, port = url.hostname, url.port or SYSLOG_PORT
    except ValueError:
        raise SettingError(SETTING, setting, "a port of 1 to 65,535") from None
    return lambda line: _to_syslog(host, port, line), f"syslog://{host}"


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_local_syslog(address: str, line: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SEND_SECONDS)
        sock.sendto(f"<{_PRIORITY}>reading-room: {line}".encode(), address)


def _to_syslog(host: str, port: int, line: str) -> None:
    """Send a line by UDP (RFC 5426)."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    moment = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = socket.gethostname() or "-"
    with socket.socket(family, kind, protocol) as sock:
        sock.settimeout(SEND_SECONDS)
        # On a connected socket, a destination without a listener fails at the next line.
        sock.connect(address)
        sock.send(f"<{_PRIORITY}>1 {moment} {name} reading-room - trail-head - {line}".encode())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: the head goes only to the address in the setting."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, line: str) -> None:
    request = urllib.request.Request(url, line.encode(), {"Content-Type": "application/json"}, method="POST")
    # The setting's pattern allows only http and https.
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=SEND_SECONDS) as answer:
        answer.read(1)


def _reason(error: Exception) -> str:
    """Return the reason for a failure, without the address, which may contain a secret."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the answer is {error.code}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return getattr(cause, "strerror", None) or type(cause).__name__
