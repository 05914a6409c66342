"""S3 as a worker uses it, in this process or on loopback."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from reading_room.analysis.s3.credentials import FixedKeys
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import Answer, Request
from reading_room.client import InProcess

ENDPOINT = "https://127.0.0.1:4566"


class InProcessWire:
    """Implements ``Wire`` by calls of an application; ``scope`` is added to each."""

    def __init__(self, running: InProcess, scope: Mapping[str, object]) -> None:
        self._running = running
        self._scope = scope

    def send(self, request: Request) -> Answer:
        """Call the application, and return when the headers of its answer are here."""
        if request.method in ("POST", "PUT"):
            headers = {**request.headers, "content-length": str(len(request.body))}
            request = Request(request.method, request.origin, request.target, headers, request.body)
        return _InProcessAnswer(self._running.send(cast(Any, request), self._scope))


class _InProcessAnswer:
    def __init__(self, answer: Any) -> None:
        self.status: int = answer.status_code
        self.reason = HTTPStatus(self.status).phrase
        self.headers = {name.lower(): str(value) for name, value in answer.headers.items()}
        self._raw = answer.raw

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes of the body."""
        return bytes(self._raw.read(size))

    def close(self) -> None:
        """Do nothing: nobody waits for the rest."""


def keys_of(options: Mapping[str, str]) -> FixedKeys:
    """Return the keys in a client's options."""
    token = options.get("session_token", "")
    return FixedKeys(Keys(options["access_key_id"], options["secret_access_key"], token))
