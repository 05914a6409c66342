"""The write-ahead log stays short while readers overlap, and the timeouts of connections stay unchanged."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete, event, func, select

from reading_room.clock import system_clock
from reading_room.database import log_length
from reading_room.database.engine import Database
from reading_room.database.log_length import LENGTH
from reading_room.s3.tables import S3Bucket
from tests.worlds.databases import made
from tests.worlds.waiting import eventually


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose log is restarted without pauses."""
    monkeypatch.setattr(log_length, "REST", 0.0)
    found = made(tmp_path / "db.sqlite")
    yield found
    found.close()


def log_of(database: Database) -> int:
    """Return the size of a database's log, which exists after the first write."""
    path = Path(f"{database.engine.url.database}-wal")
    return path.stat().st_size if path.exists() else 0


names = itertools.count()


def write(database: Database, size: int = 10) -> None:
    """Commit a row of ``size`` bytes."""
    with database.transaction() as session:
        name = f"{next(names)}-{'x' * size}"
        session.add(S3Bucket(name=name, account="1" * 12, region="us-east-1", created_at=system_clock()))


def write_beyond_its_length(database: Database) -> None:
    """Commit rows until the log exceeds its length."""
    while log_of(database) <= LENGTH:
        write(database, 500_000)


def is_short(database: Database) -> bool:
    """Commit a row, and return whether the log is within its length then."""
    write(database)
    return log_of(database) <= LENGTH


@contextmanager
def overlapping_readers(database: Database) -> Iterator[None]:
    """Two reading threads, at least one of which holds a snapshot at any time."""
    stop = threading.Event()
    opened = [threading.Semaphore(0), threading.Semaphore(0)]

    def read(own: int) -> None:
        while not stop.is_set():
            with database.reading() as session:
                session.scalars(select(S3Bucket.account).limit(1)).all()
                opened[own].release()
                # End once the other one has begun.
                while not opened[1 - own].acquire(timeout=0.1) and not stop.is_set():
                    pass

    threads = [threading.Thread(target=read, args=(own,)) for own in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.costs(2, reason="megabytes are written beside readers, and the log is begun anew")
def test_a_log_is_restarted_despite_overlapping_readers(database: Database) -> None:
    with overlapping_readers(database):
        for _ in range(2):
            write_beyond_its_length(database)
            eventually(lambda: is_short(database), what="a log of its length")
    with database.reading() as session:
        sizes = session.scalars(select(func.length(S3Bucket.name))).all()
    assert sum(size > 500_000 for size in sizes) > 2 * LENGTH // 2_000_000


@pytest.mark.costs(1, reason="megabytes are written")
def test_a_log_is_truncated_once_a_long_reader_has_ended(database: Database) -> None:
    with database.reading() as session:
        session.scalars(select(S3Bucket.account)).all()
        write_beyond_its_length(database)
        assert not is_short(database)
    eventually(lambda: is_short(database), what="a log of its length")


@pytest.mark.costs(2, reason="megabytes are written, and writers wait for a reader that stays")
def test_a_failed_restart_leaves_the_timeouts_of_connections_unchanged(database: Database) -> None:
    def patience() -> set[int]:
        with ExitStack() as stack:
            connections = [stack.enter_context(closing(database.engine.raw_connection())) for _ in range(4)]
            return {each.cursor().execute("PRAGMA busy_timeout").fetchone()[0] for each in connections}

    before = patience()
    with database.reading() as session:
        session.scalars(select(S3Bucket.account)).all()
        write_beyond_its_length(database)
        for _ in range(3):
            write(database)
    eventually(lambda: is_short(database), what="the end of all attempts")
    assert patience() == before


@pytest.mark.costs(1, reason="megabytes are written")
def test_a_log_that_another_process_reads_fails_no_commit(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(str(database.engine.url.database), isolation_level=None)) as other:
        write(database)
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM s3_buckets").fetchall()
        write_beyond_its_length(database)
        for _ in range(3):
            write(database)
    eventually(lambda: is_short(database), what="a log of its length")
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


def test_deleted_bytes_are_overwritten_by_an_sqlite_that_does_not_do_so_by_default(tmp_path: Path) -> None:
    made(path := tmp_path / "db.sqlite").close()
    with closing(Database.open(path)) as database:
        off = "PRAGMA secure_delete = OFF"
        event.listen(database.engine, "connect", lambda connection, _: connection.execute(off), insert=True)
        database.engine.dispose()
        write(database, 1000)
        with database.transaction() as session:
            session.execute(delete(S3Bucket))
    assert b"x" * 1000 not in path.read_bytes()
