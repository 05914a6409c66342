"""A start on a full disk: it waits and logs this, fails with a remedy, or skips optional preparations."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from reading_room.database.engine import Database
from reading_room.database.migrate import SchemaError
from reading_room.database.opening import START_BYTES, await_room, open_database
from tests.worlds.databases import SEALER, made
from tests.worlds.full_disk import files_of_at_most


def test_a_start_waits_for_room_and_logs_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    free = iter([0, 5, START_BYTES - 1, START_BYTES])
    waits: list[float] = []
    await_room(tmp_path, lambda _: next(free), waits.append)
    assert len(waits) == 3
    assert [each.getMessage() for each in caplog.records] == [
        f"the disk of {tmp_path} is full (0 bytes are free): waiting until there is room"
    ]


def test_a_start_with_room_does_not_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await_room(tmp_path, lambda _: START_BYTES, lambda _: pytest.fail("it waits"))
    assert caplog.records == []


def test_a_start_with_an_exhausted_quota_says_what_to_do(tmp_path: Path) -> None:
    with files_of_at_most(0), pytest.raises(SchemaError, match="the disk is full: make room, and start again"):
        open_database(tmp_path, SEALER)
    open_database(tmp_path, SEALER).close()


def test_a_log_without_room_for_its_length_is_not_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(made(tmp_path / "db.sqlite").engine, sealer=SEALER)
    with closing(database.engine.raw_connection()) as connection:
        pages = connection.cursor().execute("PRAGMA page_count").fetchall()[0][0]
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}").fetchall()
    database.prepare_log()
    assert "the database's log cannot be extended to its full length, as the disk is full" in caplog.text
    with closing(database.engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA max_page_count = 1000000").fetchall()
    database.prepare_log()
    database.close()
