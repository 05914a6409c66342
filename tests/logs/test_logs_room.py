"""The limit on the bytes of an account's log events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.clock import system_clock
from reading_room.database.disk import Floor
from reading_room.database.engine import Database
from reading_room.logs import streams
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.room import LEAST_REST, LogRoom
from reading_room.logs.streams import EVENT_OVERHEAD, NewEvent
from tests.worlds import databases

A, B, REGION = "111122223333", "444455556666", "us-east-1"
TEN = 10 * (EVENT_OVERHEAD + 74)
"""Bytes of ten events with 74 letters each."""


class Tick:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Book:
    """Log groups of accounts, written in the same way as the service does."""

    def __init__(self, database: Database, per_account: int = 0) -> None:
        self.tick = Tick()
        self.room = LogRoom(per_account, clock=self.tick)
        self._database = database

    def write(self, account: str, events: int = 10, stream: str = "s") -> None:
        """Store events of a hundred bytes each."""
        now = streams.milliseconds(system_clock())
        batch = [NewEvent(now, "x" * 74)] * events
        with self._database.transaction() as session:
            self.room.take(session, account, batch)
            streams.append(session, account, REGION, "g", stream, batch, now)

    def delete(self, account: str) -> None:
        """Delete the account's group with its events."""
        with self._database.transaction() as session:
            streams.delete_group(session, account, "g")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = databases.made(tmp_path / "db.sqlite")
    yield opened
    opened.close()


def test_an_account_is_limited_without_affecting_others(database: Database) -> None:
    book = Book(database, per_account=2 * TEN)
    book.write(A)
    book.write(A, stream="t")
    with pytest.raises(NoRoomForLogs, match="READING_ROOM_LOG_BYTES_PER_ACCOUNT") as refused:
        book.write(A, 1)
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailableException", 500)
    book.write(B)


def test_deleted_events_make_room_a_second_later(database: Database) -> None:
    book = Book(database, per_account=TEN)
    book.write(A)
    with pytest.raises(NoRoomForLogs):
        book.write(A, 1)
    book.delete(A)
    with pytest.raises(NoRoomForLogs):
        book.write(A, 1)
    book.tick.now += LEAST_REST
    book.write(A)


def test_stored_events_are_counted_again_after_a_restart(database: Database) -> None:
    Book(database, per_account=TEN).write(A)
    with pytest.raises(NoRoomForLogs):
        Book(database, per_account=TEN).write(A, 1)


def test_a_rolled_back_write_takes_room_only_briefly(database: Database) -> None:
    book = Book(database, per_account=TEN)

    def fail() -> None:
        with database.transaction() as session:
            book.room.take(session, A, [NewEvent(0, "x" * 974)])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    book.tick.now += LEAST_REST
    book.write(A)


def test_no_event_is_stored_without_free_disk_space(database: Database) -> None:
    free = iter([1_000, 999])
    tick = Tick()
    book = Book(database)
    book.room = LogRoom(floor=Floor(1_000, lambda: next(free), tick))
    book.write(A)
    tick.now += 1
    with pytest.raises(NoRoomForLogs, match="READING_ROOM_STORAGE_FREE"):
        book.write(A)
