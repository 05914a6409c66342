"""Writers of one process take turns in the order of their requests."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from reading_room.database.engine import Database
from reading_room.database.turns import Turns
from tests.worlds.waiting import DEADLINE, eventually


def more_wait(turns: Turns, than: int) -> bool:
    """Return whether more than ``than`` threads wait for their turn."""
    return len(turns._waiting) > than


def test_turns_are_taken_in_order() -> None:
    turns, served = Turns(), list[int]()

    def take(number: int) -> None:
        with turns.one(DEADLINE):
            served.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    with turns.one(DEADLINE):
        for thread in threads:
            waiting = len(turns._waiting)
            thread.start()
            eventually(partial(more_wait, turns, waiting))
        assert served == []
    for thread in threads:
        thread.join()
    assert served == list(range(8))
    with turns.one(0):
        served.append(9)


def test_a_timed_out_waiter_continues_without_taking_a_turn() -> None:
    turns, over = Turns(), threading.Event()

    def hold() -> None:
        with turns.one(DEADLINE):
            over.wait(DEADLINE)

    holder = threading.Thread(target=hold)
    holder.start()
    eventually(lambda: turns._taken)
    with turns.one(0.05):
        assert turns._taken
    assert turns._taken
    over.set()
    holder.join()
    assert not turns._taken


def test_an_error_in_a_turn_passes_it_on() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.one(1):
        raise ZeroDivisionError
    with turns.one(0):
        assert turns._taken


def test_a_nested_transaction_fails_instead_of_hanging(tmp_path: Path) -> None:
    """It waits for itself, first for a turn and then for SQLite, and gets the same error as another process."""
    database = Database.open(tmp_path / "database", busy_seconds=0.01)
    with pytest.raises(OperationalError, match="locked"), database.transaction(), database.transaction():
        pytest.fail("two writers at once")
    with database.transaction() as session:
        session.connection()
    database.close()
