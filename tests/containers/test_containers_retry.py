"""When a container that no job depends on may be started again."""

from __future__ import annotations

import time

import pytest

from reading_room.containers.retries import RETRY_FIRST, RETRY_LAST, STEADY_SECONDS, Retries, Retry, Use


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


def test_a_pause_delays_only_what_died() -> None:
    retries = Retries()
    broken = Use("realtime custom-entities", "000000000001", "a" * 32)
    retries.failed(broken, "it ended")
    assert not retries.may_start(broken)
    others = broken._replace(model="b" * 32), broken._replace(account="000000000002"), Use("standby custom-entities")
    assert all(retries.may_start(other) for other in others)
    assert retries.problems() == {"realtime custom-entities": "it ended"}


def test_what_loads_has_no_problem_any_more() -> None:
    retries, use = Retries(), Use("standby entities-en")
    retries.failed(use, "it ended")
    retries.worked(use)
    assert retries.may_start(use)
    assert retries.problems() == {}


def test_a_pause_outlasts_the_use_and_is_then_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    retries, use, now = Retries(), Use("realtime custom-entities", "000000000001"), time.monotonic()
    retries.failed(use, "it ended")
    retries.forget("realtime ", set())
    assert not retries.may_start(use), "a new container of the same use must wait as well"
    monkeypatch.setattr(time, "monotonic", lambda: now + RETRY_FIRST + RETRY_LAST + 1)
    retries.forget("realtime ", {use})
    assert retries.problems() == {"realtime custom-entities": "it ended"}
    retries.forget("standby ", set())
    retries.forget("realtime ", set())
    assert retries.problems() == {}
