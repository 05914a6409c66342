"""When a container that no job depends on may be started again."""

from __future__ import annotations

import time

from reading_room.containers.living import RETRY_FIRST, RETRY_LAST, STEADY_SECONDS, Retry


def pause(retry: Retry) -> float:
    """Return the seconds until the next start."""
    return retry.at - time.monotonic()


def test_containers_that_die_early_are_started_at_growing_intervals() -> None:
    retry = Retry()
    retry.failed("it ended")
    assert RETRY_FIRST / 2 < pause(retry) <= RETRY_FIRST
    retry.failed("it ended", lived=STEADY_SECONDS / 2)
    assert RETRY_FIRST < pause(retry) <= 2 * RETRY_FIRST
    for _ in range(20):
        retry.failed("it ended")
    assert pause(retry) <= RETRY_LAST
    assert retry.problem == "it ended"


def test_one_that_has_lived_is_started_again_at_once() -> None:
    retry = Retry()
    retry.failed("it ended")
    retry.failed("it was killed", lived=STEADY_SECONDS)
    assert pause(retry) <= 0
    assert retry.problem == ""
    retry.failed("it ended")
    assert pause(retry) <= RETRY_FIRST
