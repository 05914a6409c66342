"""The calls of a container to the service, at the address where it also fetches credentials: JSON over HTTP.

The service may restart while a job runs, so calls without an answer, or with a status of 5xx, are repeated for a while.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from reading_room.analysis.s3.credentials import CREDENTIALS_ADDRESS
from reading_room.analysis.storage import JobFailure

PATIENCE_SECONDS = 20.0
"""How long the service may be away before the attempt is given up."""

_TIMEOUT_SECONDS = 10.0
_ANSWER_LIMIT = 64_000_000
"""In bytes; the answer for a job with the greatest number of parts has half as many."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status below 500, and the members of the JSON object that came with it."""

    status: int
    members: dict[str, Any]


class ServiceClient:
    """Calls under one container's path at the credentials address. Each raises ``JobFailure``: ``CLUSTER_LOST``.

    ``address`` is a plain HTTP URL without a path, because the packets stay in the VPC's own network.
    """

    def __init__(self, path: str, address: str = CREDENTIALS_ADDRESS, patience: float = PATIENCE_SECONDS) -> None:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"not a plain HTTP address, such as http://169.254.170.2: {address}")
        self._host, self._port = parts.hostname, parts.port or 80
        self._path = path
        self._patience = patience

    def get(self, rest: str = "") -> Answer:
        """Call ``GET`` for the container's path followed by ``rest``."""
        return self._ask("GET", rest, None)

    def post(self, rest: str, document: Any) -> Answer:
        """Send a document as JSON. It must be safe to send twice, because an answer may get lost."""
        return self._ask("POST", rest, json.dumps(document, separators=(",", ":")).encode())

    def _ask(self, method: str, rest: str, body: bytes | None) -> Answer:
        until = time.monotonic() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                status, content = self._once(method, rest, body)
                if status < 500:
                    return Answer(status, _members(content))
                trouble = f"it answered {status}"
            except (OSError, http.client.HTTPException) as error:
                trouble = str(error) or type(error).__name__
            if time.monotonic() + pause > until:
                raise JobFailure("CLUSTER_LOST", f"no answer from the service at {self._host}: {trouble}")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self, method: str, rest: str, body: bytes | None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"connection": "close"}
            if body is not None:
                headers["content-type"] = "application/json"
            connection.request(method, self._path + rest, body, headers)
            response = connection.getresponse()
            return response.status, response.read(_ANSWER_LIMIT)
        finally:
            connection.close()


def refused(answer: Answer, what: str) -> JobFailure:
    """Return the failure for an unexpected answer. ``what`` is the noun for what was requested."""
    why = answer.members.get("message") or answer.members.get("code") or "no reason given"
    return JobFailure("CLUSTER_LOST", f"the service refuses {what} with {answer.status}: {why}")


def _members(content: bytes) -> dict[str, Any]:
    try:
        members = json.loads(content)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
