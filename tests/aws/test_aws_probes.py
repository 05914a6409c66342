"""The pages that say whether the service lives and is ready: what they tell, and what asking them costs."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import pytest

from reading_room.aws.call import Reply
from reading_room.aws.probes import Check, Fault, Probes

FULL = Fault("the disk is full", "make room")


def looks(*found: Fault | None) -> tuple[Callable[[], Fault | None], list[None]]:
    """Return a look that finds these one after the other, then the last again; and a list that counts its calls."""
    calls: list[None] = []

    def look() -> Fault | None:
        calls.append(None)
        return found[min(len(calls), len(found)) - 1]

    return look, calls


class Watch:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the moment."""
        return self.now


def asked(probes: Probes, page: str = "ready", method: str = "GET") -> Reply:
    """Ask for a page and return it."""
    reply = asyncio.run(probes.answer(method, f"/_reading_room/{page}"))
    assert reply is not None
    return reply


def test_ready_names_each_check_and_of_those_that_fail_what_to_do() -> None:
    probes = Probes([Check("database", lambda: None), Check("disk", lambda: FULL)])
    reply = asked(probes)
    assert reply.status == 503
    assert json.loads(reply.body) == {
        "status": "not ready",
        "checks": {
            "database": {"ok": True},
            "disk": {"ok": False, "says": "the disk is full", "remedy": "make room"},
        },
    }
    assert {("content-type", "application/json"), ("cache-control", "no-store")} <= set(reply.headers)


def test_ready_is_200_when_nothing_is_wrong_and_follows_what_changes() -> None:
    look, _ = looks(None, FULL, None)
    watch = Watch()
    probes = Probes([Check("disk", look)], clock=watch)
    statuses = []
    for _ in range(3):
        statuses.append(asked(probes).status)
        watch.now += 1
    assert statuses == [200, 503, 200]


def test_a_flood_of_questions_is_one_look_a_second() -> None:
    look, calls = looks(None)
    watch = Watch()
    probes = Probes([Check("database", look)], clock=watch)

    async def flood() -> None:
        replies = await asyncio.gather(*(probes.answer("GET", "/_reading_room/ready") for _ in range(200)))
        assert {reply.status for reply in replies if reply is not None} == {200}

    asyncio.run(flood())
    assert len(calls) == 1
    watch.now += 0.9
    asked(probes)
    assert len(calls) == 1
    watch.now += 0.2
    asked(probes)
    assert len(calls) == 2


def test_a_look_that_hangs_is_not_ready_and_is_waited_for_once() -> None:
    may_end = threading.Event()

    def hang() -> None:
        may_end.wait()

    watch = Watch()
    probes = Probes([Check("disk", hang)], look_seconds=0.01, clock=watch)

    async def ask_twice() -> list[Reply | None]:
        first = await probes.answer("GET", "/_reading_room/ready")
        watch.now += 5
        second = await probes.answer("GET", "/_reading_room/ready")
        may_end.set()
        return [first, second]

    for reply in asyncio.run(ask_twice()):
        assert reply is not None
        assert reply.status == 503
        assert json.loads(reply.body)["checks"]["disk"]["says"] == "no answer within 0.01 s"


def test_a_look_that_fails_is_not_ready_and_tells_strangers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error", "/secret/place")

    reply = asked(Probes([Check("disk", fail)]))
    assert reply.status == 503
    assert b"secret" not in reply.body
    assert "/secret/place" in caplog.text


@pytest.mark.parametrize("page", ["live", "health"])
def test_live_looks_at_nothing(page: str) -> None:
    look, calls = looks(FULL)
    reply = asked(Probes([Check("disk", look)]), page)
    assert (reply.status, json.loads(reply.body), calls) == (200, {"status": "ok"}, [])


@pytest.mark.parametrize("page", ["live", "ready", "health"])
def test_only_get_and_head_are_answered(page: str) -> None:
    probes = Probes()
    assert [asked(probes, page, method).status for method in ("GET", "HEAD", "POST", "DELETE")] == [200, 200, 405, 405]


@pytest.mark.parametrize("path", ["/", "/_reading_room", "/_reading_room/", "/_reading_room/ready/", "/bucket/ready"])
def test_no_other_path_is_a_page(path: str) -> None:
    assert asyncio.run(Probes().answer("GET", path)) is None
