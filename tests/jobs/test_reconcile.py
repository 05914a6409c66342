"""The loop behind every controller."""

from __future__ import annotations

import threading
import time

import pytest

from reading_room.reconcile import Loop


def test_a_loop_turns_at_its_start_and_after_every_signal() -> None:
    turned = threading.Semaphore(0)
    loop = Loop("test", turned.release, every=60)
    loop.start()
    assert turned.acquire(timeout=5)
    for _ in range(3):
        loop.wake()
        assert turned.acquire(timeout=5)
    assert loop.stop()


def test_a_signal_during_a_turn_causes_another_turn() -> None:
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    def turn() -> None:
        entered.release()
        leave.acquire(timeout=5)

    loop = Loop("test", turn, every=60)
    loop.start()
    assert entered.acquire(timeout=5)
    for _ in range(10):
        loop.wake()
    leave.release()
    assert entered.acquire(timeout=5), "the signal was lost"
    leave.release()
    assert not entered.acquire(timeout=0.05), "ten signals are one turn"
    assert loop.stop()


def test_the_timer_turns_without_a_signal() -> None:
    turned = threading.Semaphore(0)
    loop = Loop("test", turned.release, every=0.01)
    loop.start()
    for _ in range(3):
        assert turned.acquire(timeout=5)
    assert loop.stop()


def test_a_failed_turn_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    done = threading.Event()
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        if turns < 3:
            raise ValueError("not yet")
        done.set()

    loop = Loop("test", turn, every=60, retry=0.001)
    loop.start()
    assert done.wait(5)
    assert loop.stop()
    assert "not yet" in caplog.text


def test_stopping_waits_for_the_turn_in_progress() -> None:
    entered, ended = threading.Event(), threading.Event()

    def turn() -> None:
        entered.set()
        time.sleep(0.05)
        ended.set()

    loop = Loop("test", turn, every=60)
    loop.start()
    assert entered.wait(5)
    assert loop.stop()
    assert ended.is_set()


def test_a_loop_starts_once() -> None:
    loop = Loop("test", lambda: None, every=60)
    loop.start()
    with pytest.raises(RuntimeError):
        loop.start()
    assert loop.stop()


def test_a_loop_that_never_started_can_be_stopped() -> None:
    assert Loop("test", lambda: None, every=60).stop()


def test_a_settling_loop_takes_in_what_comes_meanwhile_unless_hurried() -> None:
    turned = threading.Semaphore(0)
    loop = Loop("test", turned.release, every=60, settle=0.2)
    loop.start()
    assert turned.acquire(timeout=5)
    for _ in range(5):
        loop.wake()
        time.sleep(0.01)
    assert not turned.acquire(blocking=False)
    assert turned.acquire(timeout=5)
    assert not turned.acquire(timeout=0.3), "five signals are one turn"
    began = time.monotonic()
    loop.hurry()
    assert turned.acquire(timeout=5)
    assert time.monotonic() - began < 0.15
    assert loop.stop()


def test_a_loop_with_a_rest_begins_no_turn_soon_after_a_long_one_unless_hurried() -> None:
    entered, leave = threading.Semaphore(0), threading.Semaphore(0)

    def turn() -> None:
        entered.release()
        leave.acquire(timeout=5)

    loop = Loop("test", turn, every=60, rest=4)
    loop.start()
    assert entered.acquire(timeout=5)
    time.sleep(0.1)
    leave.release()
    loop.wake()
    assert not entered.acquire(timeout=0.3), "it rests four times as long as the turn took"
    assert entered.acquire(timeout=5)
    time.sleep(0.1)
    leave.release()
    began = time.monotonic()
    loop.hurry()
    assert entered.acquire(timeout=5)
    assert time.monotonic() - began < 0.3
    leave.release()
    assert loop.stop()


def test_a_loop_with_a_rest_does_not_rest_after_short_turns() -> None:
    turned = threading.Semaphore(0)
    loop = Loop("test", turned.release, every=60, rest=1000)
    loop.start()
    assert turned.acquire(timeout=5)
    loop.wake()
    assert turned.acquire(timeout=5)
    assert loop.stop()


def test_a_turn_knows_that_it_is_one() -> None:
    inside: list[bool] = []
    loop = Loop("test", lambda: inside.append(loop.turning_here()), every=60)
    assert not loop.turning_here()
    loop.start()
    assert loop.stop()
    assert inside in ([], [True])
