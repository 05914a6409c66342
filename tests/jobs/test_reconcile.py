"""The loop of every controller."""

from __future__ import annotations

import threading

import pytest

from reading_room.reconcile import Loop
from tests.worlds.waiting import DEADLINE, eventually

EVERY = 60.0


class Hands:
    """A clock that the test advances; ``waiting`` are the seconds for which loops wait on it now."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: float | None = None

    def read(self) -> float:
        """Return the time."""
        return self.now

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait for the event, or until the clock has advanced this far."""
        until, self.waiting = self.now + seconds, seconds
        while self.now < until and not event.wait(0.001):
            pass
        self.waiting = None

    def waited_for(self, seconds: float) -> None:
        """Return when a loop waits for this many seconds."""
        eventually(lambda: self.waiting is not None and abs(self.waiting - seconds) < 1e-6)


def test_a_loop_turns_at_its_start_and_after_every_signal() -> None:
    turned = threading.Semaphore(0)
    loop = Loop("test", turned.release, every=EVERY)
    loop.start()
    assert turned.acquire(timeout=DEADLINE)
    for _ in range(3):
        loop.wake()
        assert turned.acquire(timeout=DEADLINE)
    assert loop.stop()


def test_a_signal_during_a_turn_causes_another_turn() -> None:
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    def turn() -> None:
        entered.release()
        leave.acquire(timeout=DEADLINE)

    hands = Hands()
    loop = Loop("test", turn, every=EVERY, clock=hands.read, wait=hands.wait)
    loop.start()
    assert entered.acquire(timeout=DEADLINE)
    for _ in range(10):
        loop.wake()
    leave.release()
    assert entered.acquire(timeout=DEADLINE), "the signal was lost"
    leave.release()
    hands.waited_for(EVERY)
    assert not entered.acquire(blocking=False), "ten signals are one turn"
    assert loop.stop()


def test_the_timer_turns_without_a_signal() -> None:
    turned = threading.Semaphore(0)
    hands = Hands()
    loop = Loop("test", turned.release, every=EVERY, clock=hands.read, wait=hands.wait)
    loop.start()
    for _ in range(3):
        assert turned.acquire(timeout=DEADLINE)
        hands.waited_for(EVERY)
        hands.now += EVERY
    assert loop.stop()


def test_a_failed_turn_is_retried(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise ValueError("not yet")
        done.set()

    loop = Loop("test", turn, every=EVERY, retry=0.001)
    loop.start()
    assert done.wait(DEADLINE)
    assert loop.stop()
    assert "not yet" in caplog.text


def test_stopping_waits_for_the_turn_in_progress() -> None:
    entered, ended = threading.Event(), threading.Event()

    def turn() -> None:
        entered.set()
        eventually(lambda: loop._stopping)
        ended.set()

    loop = Loop("test", turn, every=EVERY)
    loop.start()
    assert entered.wait(DEADLINE)
    assert loop.stop()
    assert ended.is_set()


def test_a_loop_starts_once() -> None:
    loop = Loop("test", lambda: None, every=EVERY)
    loop.start()
    with pytest.raises(RuntimeError):
        loop.start()
    assert loop.stop()


def test_a_loop_that_never_started_can_be_stopped() -> None:
    assert Loop("test", lambda: None, every=EVERY).stop()


def test_a_settling_loop_takes_in_what_comes_meanwhile_unless_hurried() -> None:
    turned, hands = threading.Semaphore(0), Hands()
    loop = Loop("test", turned.release, every=EVERY, settle=0.2, clock=hands.read, wait=hands.wait)
    loop.start()
    hands.waited_for(0.2)
    for _ in range(5):
        loop.wake()
    assert not turned.acquire(blocking=False)
    hands.now += 0.2
    assert turned.acquire(timeout=DEADLINE)
    hands.waited_for(EVERY)
    assert not turned.acquire(blocking=False), "five signals are one turn"
    loop.hurry()
    assert turned.acquire(timeout=DEADLINE)
    assert loop.stop()


def test_a_loop_with_a_rest_begins_no_turn_soon_after_a_long_one_unless_hurried() -> None:
    entered, leave, hands = threading.Semaphore(0), threading.Semaphore(0), Hands()

    def turn() -> None:
        entered.release()
        leave.acquire(timeout=DEADLINE)

    loop = Loop("test", turn, every=EVERY, rest=4, clock=hands.read, wait=hands.wait)
    loop.start()
    for _ in range(2):
        assert entered.acquire(timeout=DEADLINE)
        hands.now += 0.1
        leave.release()
        loop.wake()
        # It rests four times as long as the turn took.
        hands.waited_for(0.4)
        assert not entered.acquire(blocking=False)
        hands.now += 0.4
    assert entered.acquire(timeout=DEADLINE)
    hands.now += 0.1
    leave.release()
    loop.wake()
    hands.waited_for(0.4)
    loop.hurry()
    assert entered.acquire(timeout=DEADLINE)
    leave.release()
    assert loop.stop()


def test_a_loop_with_a_rest_does_not_rest_after_short_turns() -> None:
    turned, hands = threading.Semaphore(0), Hands()
    loop = Loop("test", turned.release, every=EVERY, rest=1000, clock=hands.read, wait=hands.wait)
    loop.start()
    assert turned.acquire(timeout=DEADLINE)
    loop.wake()
    assert turned.acquire(timeout=DEADLINE)
    assert loop.stop()


def test_turns_that_begin_apart_take_in_what_comes_between_unless_hurried() -> None:
    turned, hands = threading.Semaphore(0), Hands()
    loop = Loop("test", turned.release, every=EVERY, apart=0.3, clock=hands.read, wait=hands.wait)
    loop.start()
    assert turned.acquire(timeout=DEADLINE), "nothing came before the first"
    hands.waited_for(EVERY)
    hands.now += 0.1
    for _ in range(3):
        loop.wake()
    hands.waited_for(0.2)
    assert not turned.acquire(blocking=False)
    hands.now += 0.2
    assert turned.acquire(timeout=DEADLINE)
    loop.wake()
    loop.hurry()
    assert turned.acquire(timeout=DEADLINE)
    hands.waited_for(EVERY)
    hands.now += 0.3
    loop.wake()
    assert turned.acquire(timeout=DEADLINE), "long after the last one, a turn begins at once"
    assert loop.stop()


def test_a_turn_knows_that_it_is_one() -> None:
    inside: list[bool] = []
    loop = Loop("test", lambda: inside.append(loop.turning_here()), every=EVERY)
    assert not loop.turning_here()
    loop.start()
    assert loop.stop()
    assert inside in ([], [True])
