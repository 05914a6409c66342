"""The worker's patience with a service that cannot answer for now: it is restarting, or short of resources.

Such answers are 503 with ``Retry-After``. A request that was on its way while the clock was set is signed again. Every
other failure is reported after a second try, so that a job whose network or permissions are wrong fails quickly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from reading_room.analysis.s3.refusal import Refusal
from reading_room.analysis.s3.wire import NoAnswer

PATIENCE_SECONDS = 90.0
"""How long one request, or the credentials, are awaited."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two tries."""
_TRIES = 2
"""How often a request is sent that gets no answer, or an error that may pass."""
_PASSING = frozenset({429, 500, 502, 503, 504})
_OF_OLD_TIME = frozenset({"RequestTimeTooSkewed", "ExpiredToken"})
"""S3's errors for a signature or credentials that were made before the clock was set."""
_SIGNED_AGAIN = 3
"""How often a request is signed again because of such an error."""

Result = TypeVar("Result")


class Patience:
    """Decides whether requests are repeated. Once ``stopping`` returns true, the job waits for nothing."""

    def __init__(
        self,
        stopping: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        first_pause: float = FIRST_PAUSE,
        tries: int = _TRIES,
    ) -> None:
        self._stopping = stopping
        self._clock = clock
        self._sleep = sleep
        self._first_pause = first_pause
        self._tries = tries

    def asked(self, ask: Callable[[], Result]) -> Result:
        """Return the result of ``ask``, which sends a request and raises ``Refusal`` or ``NoAnswer``; so does this."""
        until: float | None = None
        tried = 0
        while True:
            tried += 1
            try:
                return ask()
            except (Refusal, NoAnswer) as error:
                if isinstance(error, Refusal) and error.status == 503 and error.later and not self._stopping():
                    now = self._clock()
                    until = now + PATIENCE_SECONDS if until is None else until
                    if now >= until:
                        raise
                    pause = min(self._first_pause * tried, LONGEST_PAUSE)
                elif isinstance(error, Refusal) and error.status == 403:
                    if error.code not in _OF_OLD_TIME or tried > _SIGNED_AGAIN or self._stopping():
                        raise
                    pause = self._first_pause * tried
                elif tried < self._tries and (isinstance(error, NoAnswer) or error.status in _PASSING):
                    pause = self._first_pause
                else:
                    raise
            self._sleep(pause)

    def awaited(self, ask: Callable[[], Result]) -> Result:
        """Return the result of ``ask`` once it raises neither ``NoAnswer`` nor a ``Refusal`` of the service itself.

        Raise the last of them when the time is over or the job stops, and at once a ``Refusal`` of the request (4xx).
        """
        until = self._clock() + PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except (Refusal, NoAnswer) as error:
                refused = isinstance(error, Refusal) and 400 <= error.status < 500
                if refused or self._stopping() or self._clock() >= until:
                    raise
            self._sleep(self._first_pause)
