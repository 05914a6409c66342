"""The liveness and readiness pages: what they report, and how often they run the checks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import pytest

from reading_room.aws.call import Reply
from reading_room.aws.probes import Check, Fault, Probes
from tests.worlds.waiting import eventually

FULL = Fault("the disk is full", "make room")


def check_returning(*found: Fault | None) -> tuple[Callable[[], Fault | None], list[None]]:
    """Return a check with these results, one per call, the last one repeated, and a list with an item per call."""
    calls: list[None] = []

    def look() -> Fault | None:
        calls.append(None)
        return found[min(len(calls), len(found)) - 1]

    return look, calls


class ManualClock:
    """A clock that only the test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now


def fetch(probes: Probes, page: str = "ready", method: str = "GET") -> Reply:
    """Request a page and return the answer."""
    reply = asyncio.run(probes.answer(method, f"/_reading_room/{page}"))
    assert reply is not None
    return reply


def test_ready_names_each_check_and_a_remedy_for_each_failure() -> None:
    probes = Probes([Check("database", lambda: None), Check("disk", lambda: FULL)])
    reply = fetch(probes)
    assert reply.status == 503
    assert json.loads(reply.body) == {
        "status": "not ready",
        "checks": {
            "database": {"ok": True},
            "disk": {"ok": False, "says": "the disk is full", "remedy": "make room"},
        },
    }
    assert {("content-type", "application/json"), ("cache-control", "no-store")} <= set(reply.headers)


def test_ready_is_200_while_all_checks_pass() -> None:
    look, _ = check_returning(None, FULL, None)
    clock = ManualClock()
    probes = Probes([Check("disk", look)], clock=clock)
    statuses = []
    for _ in range(3):
        statuses.append(fetch(probes).status)
        clock.now += 1
    assert statuses == [200, 503, 200]


def test_a_flood_of_requests_causes_one_check_per_second() -> None:
    look, calls = check_returning(None)
    clock = ManualClock()
    probes = Probes([Check("database", look)], clock=clock)

    async def flood() -> None:
        replies = await asyncio.gather(*(probes.answer("GET", "/_reading_room/ready") for _ in range(200)))
        assert {reply.status for reply in replies if reply is not None} == {200}

    asyncio.run(flood())
    assert len(calls) == 1
    clock.now += 0.9
    fetch(probes)
    assert len(calls) == 1
    clock.now += 0.2
    fetch(probes)
    assert len(calls) == 2


def test_a_hanging_check_is_not_ready_and_delays_only_one_request() -> None:
    may_end = threading.Event()

    def hang() -> None:
        may_end.wait()

    clock = ManualClock()
    probes = Probes([Check("disk", hang)], look_seconds=0.01, clock=clock)

    async def ask_twice() -> list[Reply | None]:
        first = await probes.answer("GET", "/_reading_room/ready")
        clock.now += 5
        second = await probes.answer("GET", "/_reading_room/ready")
        may_end.set()
        return [first, second]

    for reply in asyncio.run(ask_twice()):
        assert reply is not None
        assert reply.status == 503
        assert json.loads(reply.body)["checks"]["disk"]["says"] == "no answer within 0.01 s"


def test_a_check_that_raises_is_not_ready_and_reveals_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error", "/secret/place")

    reply = fetch(Probes([Check("disk", fail)]))
    assert reply.status == 503
    assert b"secret" not in reply.body
    assert "/secret/place" in caplog.text


@pytest.mark.parametrize("page", ["live", "health"])
def test_live_makes_no_checks(page: str) -> None:
    look, calls = check_returning(FULL)
    reply = fetch(Probes([Check("disk", look)]), page)
    assert (reply.status, json.loads(reply.body), calls) == (200, {"status": "ok"}, [])


@pytest.mark.parametrize("page", ["live", "ready", "health"])
def test_only_get_and_head_are_answered(page: str) -> None:
    probes = Probes()
    assert [fetch(probes, page, method).status for method in ("GET", "HEAD", "POST", "DELETE")] == [200, 200, 405, 405]


@pytest.mark.parametrize("path", ["/", "/_reading_room", "/_reading_room/", "/_reading_room/ready/", "/bucket/ready"])
def test_other_paths_are_not_probe_pages(path: str) -> None:
    assert asyncio.run(Probes().answer("GET", path)) is None


def test_a_warning_is_reported_with_its_remedy_and_the_service_stays_ready() -> None:
    slow = Fault("the disk is slow", "look at it", stops=False)
    reply = fetch(Probes([Check("database", lambda: slow)]))
    assert reply.status == 200
    assert json.loads(reply.body) == {
        "status": "ready",
        "checks": {"database": {"ok": True, "says": "the disk is slow", "remedy": "look at it"}},
    }


def test_the_log_has_a_line_when_a_check_begins_to_fail_and_when_it_passes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    look, _ = check_returning(None, FULL, FULL, None, None)
    clock = ManualClock()
    probes = Probes([Check("disk", look)], clock=clock)
    for _ in range(5):
        probes.look()
        clock.now += 1
    assert [record.getMessage() for record in caplog.records] == [
        "the check of disk: the disk is full; make room",
        "the check of disk passes again",
    ]


def test_checks_that_do_not_end_are_logged_once_and_not_started_again(caplog: pytest.LogCaptureFixture) -> None:
    may_end = threading.Event()
    calls: list[None] = []

    def hang() -> None:
        calls.append(None)
        may_end.wait()

    clock = ManualClock()
    probes = Probes([Check("disk", hang)], look_seconds=0.01, clock=clock)
    for _ in range(3):
        probes.look()
        clock.now += 15
    assert [record.getMessage() for record in caplog.records] == [
        "the checks of readiness do not end: look at the disk and at what else writes to it"
    ]
    eventually(lambda: calls, what="a thread that looks")
    may_end.set()
    probes.close()
    assert len(calls) == 1
