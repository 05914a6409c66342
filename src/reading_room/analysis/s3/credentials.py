"""The keys of a role's session, from the address where containers of AWS fetch them, renewed before they expire."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reading_room.analysis.s3.patience import Patience
from reading_room.analysis.s3.refusal import Refusal
from reading_room.analysis.s3.signing import Keys
from reading_room.analysis.s3.wire import NoAnswer, Request, Wire, whole

CREDENTIALS_ADDRESS = "http://169.254.170.2"
RENEWED_SECONDS, NEEDED_SECONDS = 900.0, 600.0
"""So long before their end, keys are renewed if possible, and must be renewed. These are the SDK's own periods."""
_TEXT_LIMIT = 1_000


class NoCredentials(Exception):
    """There are no keys for the session, or none that are still valid."""


class KeySource(Protocol):
    """Knows the keys of a session."""

    def keys(self) -> Keys:
        """Return keys that are valid now. Raise ``NoCredentials``."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Implements ``KeySource`` with keys that do not expire."""

    fixed: Keys

    def keys(self) -> Keys:
        """Return the keys."""
        return self.fixed


class ContainerKeys:
    """Implements ``KeySource`` with the keys at a path of the credentials address. Any number of threads may ask."""

    def __init__(
        self,
        wire: Wire,
        path: str,
        patience: Patience,
        address: str = CREDENTIALS_ADDRESS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._wire = wire
        self._request = Request("GET", address, path, {"accept": "application/json", "connection": "close"})
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._until = 0.0
        """When the keys expire, in seconds since 1970."""

    def keys(self) -> Keys:
        """Return keys that are valid now. Raise ``NoCredentials``."""
        with self._lock:
            left = self._until - self._clock()
            if self._keys is None or left < NEEDED_SECONDS:
                try:
                    self._keys, self._until = self._patience.awaited(self._valid)
                except (Refusal, NoAnswer) as error:
                    raise NoCredentials(str(error)) from error
            elif left < RENEWED_SECONDS:
                try:
                    self._keys, self._until = self._fetched()
                except (Refusal, NoAnswer):
                    # The next request tries again; these keys are still good.
                    return self._keys
            return self._keys

    def _valid(self) -> tuple[Keys, float]:
        keys, until = self._fetched()
        if until <= self._clock():
            # If the clock was set after they were issued, the next ones are valid.
            raise NoAnswer("the credentials address has only credentials that have expired")
        return keys, until

    def _fetched(self) -> tuple[Keys, float]:
        answer = self._wire.send(self._request)
        content = whole(answer)
        if answer.status != 200:
            text = content[:_TEXT_LIMIT].decode(errors="replace")
            raise Refusal(answer.status, str(answer.status), f"the credentials address refuses them: {text}")
        try:
            found = json.loads(content)
            expires = dt.datetime.fromisoformat(found["Expiration"])
            return Keys(found["AccessKeyId"], found["SecretAccessKey"], found["Token"]), expires.timestamp()
        except (ValueError, LookupError, TypeError) as error:
            raise NoAnswer(f"the credentials address answers no credentials: {type(error).__name__}") from error
