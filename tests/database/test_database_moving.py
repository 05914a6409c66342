"""The rows of a file are moved to PostgreSQL completely, or not at all."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.database.address import MARK, Address, AddressError
from reading_room.database.base import Base
from reading_room.database.engine import Database
from reading_room.database.errors import SchemaError
from reading_room.database.moving import move
from reading_room.database.opening import FILE, open_database
from reading_room.database.sealed import WrongRootKey
from reading_room.iam.tables import Account
from reading_room.logs import streams
from reading_room.logs.tables import LogEvent, LogGroup
from reading_room.s3.tables import S3Bucket, S3Object
from reading_room.sealing import Sealer
from reading_room.vpc.tables import Vpc
from tests.worlds import databases, postgresql
from tests.worlds.databases import SEALER

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)
pytestmark = pytest.mark.costs(2, reason="every table is made in PostgreSQL, and read twice")


@pytest.fixture
def target() -> Iterator[Address]:
    """An empty database."""
    with postgresql.database() as address:
        yield address


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with rows in SQLite's file."""
    with closing(databases.made(tmp_path / FILE, "000000000001")) as database, database.transaction() as session:
        session.add(Account(account="1", name="naïve \U0001f600 'quoted' \0", created_at=NOW))
        session.add(S3Bucket(name="b", account="1", region="r", created_at=NOW, tags={"z": "1", "a": "2"}))
        session.flush()
        row = S3Object(bucket="b", key=b"\xf0\x9f\x98\x80/\x00", size=2**50, etag="e", last_modified=NOW)
        row.headers, row.user_metadata, row.segments, row.content = {"x": "y"}, {}, [["", 3]], b"\x00\xff\\"
        session.add(row)
        stream = streams.create_stream(session, streams.create_group(session, "1", "r", "g", 1), "s", 1)
        for number in range(2_100):
            session.add(LogEvent(stream_id=stream.stream_id, timestamp=number, ingested_at=1, message=f"{number}"))
    return tmp_path


def rows(database: Database) -> dict[str, list[object]]:
    """Return all rows of all tables."""
    with database.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
        }


def test_everything_is_moved_and_the_product_continues_with_it(data: Path, target: Address) -> None:
    with closing(Database.open(data / FILE, sealer=SEALER)) as database:
        before = rows(database)
    moved = move(data, FILE, target, SEALER)
    assert moved["log_events"].rows == 2_100
    assert sum(content.rows for content in moved.values()) == sum(map(len, before.values()))
    assert not (data / FILE).exists()
    assert (data / f"{FILE}.moved").exists()
    with closing(open_database(data, SEALER, url=target.url)) as database:
        assert rows(database) == before
        with database.transaction() as session:
            group = streams.create_group(session, "1", "r", "next", 1)
            assert group.group_id == 2, "numbers continue"
            assert session.query(Vpc).count() > 0
    with pytest.raises(AddressError, match="set READING_ROOM_DATABASE="):
        open_database(data, SEALER)


def test_an_interrupted_move_is_completed_by_another_one(data: Path, target: Address, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copy(data / FILE, kept)
    first = move(data, FILE, target, SEALER)
    # As if it had been killed between the commit and what follows.
    kept.rename(data / FILE)
    (data / MARK).unlink()
    with pytest.raises(AddressError, match="reading-room database move"):
        open_database(data, SEALER, url=target.url)
    assert move(data, FILE, target, SEALER) == first
    assert not (data / FILE).exists()


def test_a_used_database_is_refused_and_stays_as_it_is(data: Path) -> None:
    with postgresql.filled() as name:
        with pytest.raises(AddressError, match="is in use already"):
            move(data, FILE, postgresql.server().address(name), SEALER)
        with closing(postgresql.connected(name)) as database, database.reading() as session:
            assert session.query(LogGroup).count() == 0
    assert (data / FILE).exists()
    assert not (data / MARK).exists()


def test_a_row_that_postgresql_cannot_store_stops_the_move(data: Path, target: Address) -> None:
    with closing(Database.open(data / FILE, sealer=SEALER)) as database, database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE s3_objects SET etag = printf('%.*c', 49, 'x')")
    with pytest.raises(SchemaError, match="PostgreSQL cannot store a row of s3_objects"):
        move(data, FILE, target, SEALER)
    with closing(Database.connect(target)) as database:
        assert rows_of_catalog(database) == 0
    assert (data / FILE).exists()


def rows_of_catalog(database: Database) -> int:
    """Return how many tables a database has."""
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return int(found.scalar_one())


def test_a_file_that_is_missing_or_of_another_installation_is_refused(data: Path, target: Address) -> None:
    with pytest.raises(WrongRootKey):
        move(data, FILE, target, Sealer(b"x" * 32))
    with pytest.raises(SchemaError, match="to move: is --data the folder"):
        move(data / "nowhere", FILE, target, SEALER)
