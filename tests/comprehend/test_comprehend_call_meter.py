"""Synchronous calls are counted exactly once, whatever is interrupted."""

from __future__ import annotations

import datetime as dt
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.comprehend.call_meter import FILE, CallMeter, read_lines, waiting_lines
from reading_room.database.engine import Database
from reading_room.jobs.tables import CallUsageMark
from reading_room.jobs.usage import Usage, by_kind
from tests.worlds import databases

ACCOUNT = "111122223333"
NOW = dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC)
TWO_TEXTS = [301, 5]
"""Characters of 7 units."""


class Meters:
    """Meters on the same database and file, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.database: Database = databases.made(folder / "db.sqlite")
        self.path = folder / FILE
        self.now = NOW

    def open(self, longest: int = 1_000_000) -> CallMeter:
        """Return a meter as a new process makes one."""
        return CallMeter(self.database, self.path, lambda: self.now, longest)

    def counted(self, month: str = "2026-11") -> list[Usage]:
        """Return what the database has."""
        with self.database.reading() as session:
            return by_kind(session, month)


@pytest.fixture
def meters(tmp_path: Path) -> Iterator[Meters]:
    """A database, and no file yet."""
    found = Meters(tmp_path)
    yield found
    found.database.close()


def used(times: int) -> list[Usage]:
    """Return what so many calls with ``TWO_TEXTS`` use."""
    return [Usage("2026-11", ACCOUNT, "BatchDetectEntities", times, 2 * times, 306 * times, 7 * times)]


def test_a_call_is_in_the_file_at_once_and_then_in_the_database(meters: Meters) -> None:
    meter = meters.open()
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    assert meters.counted() == []
    assert [line.units for line in waiting_lines(meters.path, 0)] == [7]
    meter.fold()
    meter.fold()
    assert (meters.counted(), meters.path.read_bytes()) == (used(1), b"")
    assert meters.path.stat().st_mode & 0o777 == 0o600
    meters.now += dt.timedelta(minutes=1)
    meter.count(ACCOUNT, "DetectSyntax", [4])
    meter.fold()
    assert meters.counted("2026-12") == [Usage("2026-12", ACCOUNT, "DetectSyntax", 1, 1, 4, 3)]


def test_a_killed_process_leaves_its_calls_to_the_next(meters: Meters) -> None:
    meters.open().count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    meter = meters.open()
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    meter.fold()
    assert meters.counted() == used(2)


def test_lines_that_were_added_before_a_kill_are_not_added_again(meters: Meters) -> None:
    meter = meters.open()
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    before = meters.path.read_bytes()
    meter.fold()
    # Killed between the commit and the emptying of the file.
    meters.path.write_bytes(before)
    after = meters.open()
    after.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    after.fold()
    assert meters.counted() == used(2)


def test_numbers_go_on_after_the_file_was_emptied(meters: Meters) -> None:
    for _ in range(3):
        meter = meters.open()
        meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
        meter.fold()
    assert meters.counted() == used(3)
    with meters.database.reading() as session:
        assert session.get_one(CallUsageMark, "").number == 3


def test_an_incomplete_line_is_of_a_call_that_was_never_answered(meters: Meters) -> None:
    meters.open().count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    with meters.path.open("ab") as file:
        file.write(b"2 2026-11 111122223333 Batch")
    meter = meters.open()
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    meter.fold()
    assert meters.counted() == used(2)


def test_a_call_that_cannot_be_written_is_not_counted(meters: Meters, monkeypatch: pytest.MonkeyPatch) -> None:
    meter = meters.open()
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    whole, write = meters.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    with pytest.raises(OSError, match="No space") as raised:
        meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    monkeypatch.undo()
    assert (raised.value.errno, meters.path.read_bytes()) == (errno.ENOSPC, whole)
    meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
    meter.fold()
    assert meters.counted() == used(2)


def test_a_long_file_is_emptied_before_the_next_call(meters: Meters) -> None:
    meter = meters.open(longest=100)
    for _ in range(10):
        meter.count(ACCOUNT, "BatchDetectEntities", TWO_TEXTS)
        assert meters.path.stat().st_size < 200
    meter.fold()
    assert meters.counted() == used(10)


def test_lines_that_are_not_ours_are_left_out() -> None:
    good = b"1 2026-11 111122223333 DetectSyntax 1 4 3\n"
    data = b"\0\0\0\n" + good + b"1 2026-11 1111 DetectSyntax 1 4 3\n" + b"9" * 30 + good + b"no end"
    assert [line.number for line in read_lines(data)] == [1]
