"""The worker's patience with a service that cannot answer for now: it is restarting, or short of resources.

Such answers are 503 with ``Retry-After``. A request that was on its way while the clock was set is signed again. Every
other failure is reported at once, so that a job whose network or permissions are wrong fails quickly.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

import botocore.exceptions as errors

PATIENCE_SECONDS = 90.0
"""How long one request, or the credentials, are awaited."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between two tries."""
_REFUSED = re.compile(r"non 200 response 4\d\d")
"""In the SDK's message: the answer to a request for credentials that will not be given."""
_UNTIL = "reading_room_until"
_OF_OLD_TIME = frozenset({"RequestTimeTooSkewed", "ExpiredToken"})
"""S3's errors for a signature or credentials that were made before the clock was set."""
_SIGNED_AGAIN = 3
"""How often a request is signed again because of such an error."""

Result = TypeVar("Result")


def wait_for_answers(
    client: Any,
    stopping: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    first_pause: float = FIRST_PAUSE,
) -> None:
    """Make a client of S3 repeat requests that were answered by 503 with ``Retry-After``, for some time.

    A request whose signature is refused for its time is repeated three times; the SDK signs it again by the clock. Once
    ``stopping`` returns true, nothing is repeated.
    """

    def pause(response: Any, attempts: int, request_dict: dict[str, Any], **_: Any) -> float | None:
        if stopping() or response is None:
            return None
        if response[0].status_code == 403:
            of_old_time = response[1].get("Error", {}).get("Code") in _OF_OLD_TIME
            return first_pause * attempts if of_old_time and attempts <= _SIGNED_AGAIN else None
        if response[0].status_code != 503 or "retry-after" not in response[0].headers:
            return None
        now = clock()
        if now >= request_dict["context"].setdefault(_UNTIL, now + PATIENCE_SECONDS):
            return None
        return min(first_pause * attempts, LONGEST_PAUSE)

    client.meta.events.register("needs-retry.s3", pause)


def with_credentials(
    make: Callable[[], Result],
    stopping: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Return the result of ``make``, which needs credentials, once their service answers.

    Raises ``CredentialRetrievalError`` if it refuses them, has not answered in time, or ``stopping`` returns true.
    """
    until = clock() + PATIENCE_SECONDS
    while True:
        try:
            return make()
        except errors.CredentialRetrievalError as error:
            if stopping() or _REFUSED.search(str(error)) or clock() >= until:
                raise
            sleep(FIRST_PAUSE)
