"""The heads of the trail's books in the database: the faults that they reveal, and those that they must not report.

A crash, a deletion by age and a start of a later version must not look like a truncation; a truncation must not look
like one of these, even after the trail has continued.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.database.engine import Database
from reading_room.trail.chain import path_of
from reading_room.trail.journal import Journal, Limits
from reading_room.trail.kept_heads import KeptHeads
from tests.worlds.databases import made
from tests.worlds.trail import Clock
from tests.worlds.waiting import DEADLINE

DAY = dt.timedelta(days=1)
Cut = Callable[[Path], None]


def plain(item: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one management event for an item."""
    yield "management", {"item": item}


class Killed(Exception):
    """Stands for kill -9: nothing after it in the process is executed."""


class Trail:
    """A data folder with a trail that several processes write, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.clock = Clock()
        self.database: Database = made(folder / "db.sqlite")
        self.heads = KeptHeads(self.database, folder / "trail", self.clock)

    def write(self, *items: str, days: int = 90, most: int = 1 << 40) -> None:
        """Write items in a process that ends normally."""
        journal = self.journal(days=days, most=most)
        for item in items:
            journal.hand_over(item, 10)
            journal.flush()
        journal.close()

    def journal(self, heads: Any = None, **more: Any) -> Journal[str]:
        """Return a new journal."""
        return Journal(self.data / "trail", plain, self.clock, heads=heads or self.heads, **{"days": 90, **more})

    def file(self, days_ago: int = 0) -> Path:
        """Return the file of a day."""
        return path_of(self.data / "trail", "management", (self.clock.now - days_ago * DAY).date())

    def verified(self) -> tuple[int, str]:
        """Run ``verify-trail``; return its exit code and output."""
        result = CliRunner().invoke(commands.app, ["access", "verify-trail", "--data", str(self.data)])
        assert not isinstance(result.exception, Exception), result.exception
        return result.exit_code, " ".join(result.output.split())

    def is_whole(self) -> bool:
        """Return whether ``verify-trail`` finds no fault."""
        return self.verified()[0] == 0


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """A trail with stored heads."""
    found = Trail(folder=tmp_path)
    yield found
    found.database.close()


def last_lines(path: Path) -> None:
    """Remove the last two lines."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))


def all_lines(path: Path) -> None:
    """Leave an empty file."""
    os.truncate(path, 0)


def half_a_line(path: Path) -> None:
    """Truncate the file in the middle of the last line."""
    os.truncate(path, path.stat().st_size - 20)


CUTS = [last_lines, all_lines, half_a_line, Path.unlink]


def test_an_unmodified_trail_is_complete(trail: Trail) -> None:
    trail.write(*"abc")
    assert trail.is_whole()
    trail.write(*"de")
    assert trail.is_whole()


def test_a_deleted_trail_folder_is_detected(trail: Trail) -> None:
    trail.write(*"abc")
    trail.file().unlink()
    (trail.data / "trail").rmdir()
    code, printed = trail.verified()
    assert (code, "lines of the book management that were there at" in printed) == (1, True)


@pytest.mark.parametrize("cut", CUTS)
def test_a_truncated_or_deleted_book_is_detected_without_a_recorded_digest(trail: Trail, cut: Cut) -> None:
    trail.write(*"abcde")
    cut(trail.file())
    code, printed = trail.verified()
    assert code == 1
    assert "lines of the book management that were there at 2026-03-01T12:00:00+00:00 are missing" in printed


@pytest.mark.parametrize("cut", CUTS)
def test_a_truncation_is_remembered_when_the_trail_continues(
    trail: Trail, cut: Cut, caplog: pytest.LogCaptureFixture
) -> None:
    trail.write(*"abcde")
    cut(trail.file())
    for _ in range(2):
        trail.write("later")
    code, printed = trail.verified()
    assert code == 1
    assert "lines of the book management that were there at" in printed
    assert "the trail's book management was truncated" in caplog.text


def test_a_truncation_is_forgotten_when_its_day_is_deleted(trail: Trail) -> None:
    trail.write(*"abcde")
    last_lines(trail.file())
    trail.clock.now += DAY
    trail.write("later", days=1)
    assert not trail.is_whole()
    trail.clock.now += 2 * DAY
    trail.write("still later", days=1)
    assert trail.is_whole()


def test_a_restored_book_is_complete_again(trail: Trail) -> None:
    trail.write(*"abc")
    trail.file().rename(trail.data / "aside")
    assert not trail.is_whole()
    (trail.data / "aside").rename(trail.file())
    trail.write("d")
    assert trail.is_whole()


@pytest.mark.parametrize("gone_on", [False, True])
def test_manually_deleted_oldest_files_are_detected(trail: Trail, gone_on: bool) -> None:
    for _ in range(3):
        trail.write("x")
        trail.clock.now += DAY
    trail.file(3).unlink()
    if gone_on:
        trail.write("y", days=2)
        assert not trail.file(3).exists()
    code, printed = trail.verified()
    assert code == 1
    assert "book management" in printed
    assert "missing" in printed


@pytest.mark.costs(0.4, reason="the trail is verified again each day")
@pytest.mark.parametrize("limits", [{"days": 2}, {"most": 500}])
def test_files_deleted_for_age_or_room_are_not_reported(trail: Trail, limits: dict[str, int]) -> None:
    for _ in range(6):
        trail.write("x", "y", **limits)
        assert trail.is_whole()
        trail.clock.now += DAY
    assert not trail.file(6).exists()


def test_a_book_whose_files_are_all_too_old_continues_its_chain(trail: Trail) -> None:
    trail.write(*"abc")
    trail.clock.now += 100 * DAY
    # As if killed right after the old file was deleted, before the first line of today.
    trail.journal()._book("management")._open(trail.clock.now.date())
    assert trail.is_whole()
    trail.write("d")
    assert trail.is_whole()
    assert trail.file().read_bytes().count(b"\n") == 1
    all_lines(trail.file())
    assert not trail.is_whole()


class KilledAt(KeptHeads):
    """Heads in a process that is killed at one of its calls, before or after the write to the database."""

    def __init__(self, trail: Trail, method: str, *, after: bool) -> None:
        super().__init__(trail.database, trail.data / "trail", trail.clock)
        self._method, self._after = method, after

    def begins(self, book: str, start: str) -> None:
        """Record the beginning, unless killed."""
        self._killed("begins", lambda: super(KilledAt, self).begins(book, start))

    def note(self, heads: Mapping[str, str]) -> None:
        """Record the heads, unless killed."""
        self._killed("note", lambda: super(KilledAt, self).note(heads))

    def _killed(self, method: str, act: Callable[[], None]) -> None:
        if method != self._method:
            act()
            return
        if self._after:
            act()
        raise Killed


def killed(trail: Trail, method: str, *, after: bool, items: str = "de", days: int = 90) -> None:
    """Write items in a process that is killed at a call of its heads."""
    journal = trail.journal(KilledAt(trail, method, after=after), days=days)
    journal._write({"management": [f'{{"item":"{item}"}}' for item in items]})
    journal._heads.note(journal._sync())


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_between_a_line_and_its_head_neither_fakes_nor_hides_a_truncation(trail: Trail, after: bool) -> None:
    trail.write(*"abc")
    with pytest.raises(Killed):
        killed(trail, "note", after=after)
    assert trail.is_whole()
    trail.write("f")
    assert trail.is_whole()
    trail.file().write_bytes(b"".join(trail.file().read_bytes().splitlines(keepends=True)[:-1]))
    assert not trail.is_whole()
    trail.write("g")
    assert not trail.is_whole()


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_between_the_recorded_beginning_and_the_deletion_is_not_a_truncation(trail: Trail, after: bool) -> None:
    for _ in range(3):
        trail.write("x")
        trail.clock.now += DAY
    with pytest.raises(Killed):
        killed(trail, "begins", after=after, days=1)
    assert trail.file(3).exists()
    assert trail.is_whole()
    trail.write("y", days=1)
    assert not trail.file(2).exists()
    assert trail.is_whole()


def test_a_line_truncated_by_a_crash_is_not_reported(trail: Trail) -> None:
    trail.write("x")
    for _ in range(4):
        trail.clock.now += DAY
        trail.file().write_bytes(b'{"previous":"')  # The first line of the day was being written.
        trail.write("y", days=1)
        assert trail.is_whole()


def test_heads_that_the_database_refuses_are_retried(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    taken = threading.Event()

    class Refusing(KeptHeads):
        failures = 2

        def note(self, heads: Mapping[str, str]) -> None:
            """Fail twice."""
            if self.failures:
                self.failures -= 1
                raise OSError(28, "No space left on device")
            super().note(heads)
            taken.set()

    heads = Refusing(trail.database, trail.data / "trail", trail.clock)
    journal = trail.journal(heads, limits=Limits(sync_seconds=0, retry_seconds=0.01, batch_seconds=0.01))
    journal.hand_over("a", 1)
    assert journal.flush()
    assert taken.wait(DEADLINE)
    journal.hand_over("b", 1)
    journal.close()
    assert "No space left" in caplog.text
    last_lines(trail.file())
    assert not trail.is_whole()


def test_lines_are_written_while_the_database_is_busy(trail: Trail) -> None:
    noting, may_go_on = threading.Event(), threading.Event()

    class Slow(KeptHeads):
        def note(self, heads: Mapping[str, str]) -> None:
            """Wait for a turn that another thread has."""
            noting.set()
            assert may_go_on.wait(DEADLINE)
            super().note(heads)

    heads = Slow(trail.database, trail.data / "trail", trail.clock)
    journal = trail.journal(heads, limits=Limits(sync_seconds=0, batch_seconds=0.01))
    journal.hand_over("a", 1)
    assert noting.wait(DEADLINE)
    for item in "bc":
        journal.hand_over(item, 1)
        assert journal.flush()
    assert trail.file().read_bytes().count(b"\n") == 3
    may_go_on.set()
    journal.close()
    last_lines(trail.file())
    assert not trail.is_whole()


def test_a_folder_of_an_earlier_version_is_accepted_once(tmp_path: Path) -> None:
    before = Journal(tmp_path / "trail", plain, Clock(), 90)
    for item in "abc":
        before.hand_over(item, 1)
    before.close()
    trail = Trail(folder=tmp_path)
    assert "No database here keeps heads" in trail.verified()[1]
    trail.heads.adopt()
    assert trail.is_whole()
    assert "No database" not in trail.verified()[1]
    last_lines(trail.file())
    trail.heads.adopt()
    assert not trail.is_whole()
    trail.database.close()


def test_with_an_earlier_schema_the_completeness_is_reported_as_unknown(trail: Trail) -> None:
    trail.write("a")
    with closing(sqlite3.connect(trail.data / "db.sqlite")) as connection:
        connection.execute("DROP TABLE trail_heads")
        connection.execute("DROP TABLE trail_heads_lost")
    code, printed = trail.verified()
    assert (code, "cannot be detected" in printed) == (0, True)
