"""The write-ahead log, which every acknowledged write waits for, has its full length before the first write."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, select

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.files import file_backend
from reading_room.s3.tables import S3Bucket, S3Object
from tests.worlds.databases import SEALER


def test_writes_after_the_start_do_not_lengthen_the_log(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db.sqlite", sealer=SEALER)
    database.create_tables()
    database.prepare_log()
    log = tmp_path / "db.sqlite-wal"
    length = log.stat().st_size
    assert length >= 4_000_000
    backend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
    with database.transaction() as session:
        session.add(S3Bucket(name="bucket", account="1" * 12, region="us-east-1", created_at=system_clock()))
    for number in range(300):
        backend.put("bucket", f"key-{number}", b"x" * 8000, "text/plain")
    assert log.stat().st_size == length
    backend.close()
    database.close()
    again = Database.open(tmp_path / "db.sqlite", sealer=SEALER)
    with again.reading() as session:
        assert len(session.scalars(select(S3Object.key)).all()) == 300
    assert "log_length" not in inspect(again.engine).get_table_names()
    again.close()


def test_preparing_the_log_again_keeps_its_content_and_does_not_grow_the_file(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db.sqlite", sealer=SEALER)
    database.create_tables()
    database.prepare_log()
    size = (tmp_path / "db.sqlite").stat().st_size
    with database.transaction() as session:
        session.add(S3Bucket(name="bucket", account="1" * 12, region="us-east-1", created_at=system_clock()))
    for _ in range(3):
        database.prepare_log()
    with database.reading() as session:
        assert session.scalars(select(S3Bucket.name)).all() == ["bucket"]
    database.close()
    assert (tmp_path / "db.sqlite").stat().st_size <= size + 100_000
