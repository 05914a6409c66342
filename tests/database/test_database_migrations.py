"""Databases of earlier schemas are migrated in one transaction, or left unchanged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room.database.engine import SCHEMA_VERSION, Database, SchemaVersionError
from reading_room.database.migrate import BASELINE, MigrationError, migrate
from tests.worlds.databases import SEALER
from tests.worlds.schemas import of_before, schema_of, version_of

TEXTS = """
revision = "6"
down_revision = "5"

import sqlalchemy as sa
from alembic import op

def upgrade() -> None:
    op.create_table("texts", sa.Column("text", sa.String))
    op.execute("INSERT INTO texts VALUES ('half done')")
"""
"""A migration that writes."""
WAITS = (
    TEXTS
    + """
    import sys
    print("in the middle", flush=True)
    sys.stdin.read()
"""
)
FAILS = (
    TEXTS
    + """
    raise RuntimeError("out of luck")
"""
)
ORPHANS = (
    TEXTS
    + """
    op.execute("INSERT INTO iam_group_members VALUES ('no such group', 'no such user')")
"""
)
KILLED = """
import sys
from pathlib import Path
from tests.database.test_database_migrations import run
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def revisions(folder: Path, source: str) -> Path:
    """Return a folder of migrations: the baseline, and one to schema 6."""
    folder.joinpath("schema_5.py").write_text('revision = "5"\ndown_revision = None\n')
    folder.joinpath("schema_6.py").write_text(source)
    return folder


def run(path: Path, folder: Path) -> None:
    """Migrate a database to schema 6 with a folder's migrations."""
    migrate(path, 6, busy_seconds=0.1, folder=folder)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database with the oldest schema that can be migrated."""
    of_before(tmp_path / "db.sqlite", BASELINE)
    return tmp_path / "db.sqlite"


@pytest.mark.costs(2, reason="Alembic is loaded, and every table made twice")
def test_a_migrated_database_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Database.open(old, sealer=SEALER, migrating=True).close()
    fresh = Database.open(tmp_path / "new.sqlite", sealer=SEALER)
    fresh.create_tables()
    fresh.close()
    assert version_of(old) == version_of(tmp_path / "new.sqlite") == SCHEMA_VERSION
    assert schema_of(old) == schema_of(tmp_path / "new.sqlite")


@pytest.mark.costs(1, reason="Alembic is loaded")
def test_a_migration_keeps_rows_and_adds_tables(old: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("INSERT INTO iam_account_aliases VALUES ('000000000001', 'readers')")
    run(old, revisions(tmp_path, TEXTS))
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT alias FROM iam_account_aliases").fetchall() == [("readers",)]
        assert connection.execute("SELECT text FROM texts").fetchall() == [("half done",)]
    assert version_of(old) == 6
    run(old, tmp_path)  # Again, and nothing happens.


@pytest.mark.parametrize(
    ("source", "error"), [(FAILS, "out of luck"), (ORPHANS, "rows of iam_group_members refer to missing rows")]
)
def test_a_migration_that_fails_changes_nothing(old: Path, tmp_path: Path, source: str, error: str) -> None:
    before = schema_of(old)
    with pytest.raises((RuntimeError, MigrationError), match=error):
        run(old, revisions(tmp_path, source))
    assert (version_of(old), schema_of(old)) == (5, before)


@pytest.mark.costs(3, reason="a process of its own loads the product and is killed")
def test_a_kill_during_a_migration_changes_nothing(old: Path, tmp_path: Path) -> None:
    before = schema_of(old)
    argv = [sys.executable, "-c", KILLED, str(old), str(revisions(tmp_path, WAITS))]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.kill()
    assert (version_of(old), schema_of(old)) == (5, before)
    run(old, revisions(tmp_path, TEXTS))
    assert version_of(old) == 6


@pytest.mark.parametrize(
    ("version", "remedy"),
    [(BASELINE - 1, "start with an empty --data folder"), (SCHEMA_VERSION + 1, "a newer version created it")],
)
def test_an_unknown_schema_is_refused_with_a_remedy(old: Path, version: int, remedy: str) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    for migrating in (False, True):
        with pytest.raises(SchemaVersionError, match=f"schema version {version}, .* {SCHEMA_VERSION}: {remedy}"):
            Database.open(old, migrating=migrating)
    assert version_of(old) == version


@pytest.mark.costs(1, reason="Alembic is loaded")
def test_rows_that_refer_to_a_rebuilt_table_stay(old: Path) -> None:
    """Log groups get a column, so their table is copied; streams and events must not be deleted with the old one."""
    with closing(sqlite3.connect(old)) as connection, connection:
        connection.execute("INSERT INTO log_groups VALUES (7, '000000000001', 'us-east-1', '/flow', 1, '{}')")
        columns = "stream_id, group_id, name, created_at, stored_bytes"
        connection.execute(f"INSERT INTO log_streams ({columns}) VALUES (8, 7, 's', 1, 9)")
        connection.execute("INSERT INTO log_events VALUES (9, 8, 1, 1, 'a line')")
    Database.open(old, sealer=SEALER, migrating=True).close()
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT name, retention_days FROM log_groups").fetchall() == [("/flow", None)]
        assert connection.execute("SELECT group_id, name FROM log_streams").fetchall() == [(7, "s")]
        assert connection.execute("SELECT stream_id, message FROM log_events").fetchall() == [(8, "a line")]


@pytest.mark.costs(1, reason="Alembic is loaded")
def test_the_bytes_of_objects_of_earlier_versions_are_summed_and_followed(old: Path) -> None:
    columns = "bucket, key, size, etag, last_modified, headers, user_metadata, segments, multipart"
    objects = f"INSERT INTO s3_objects ({columns}) VALUES (?, ?, ?, 'e', '2026-01-01', '{{}}', '{{}}', '[]', 0)"
    with closing(sqlite3.connect(old)) as connection, connection:
        for name in ("a", "b", "c"):
            columns = "name, account, region, created_at"
            connection.execute(f"INSERT INTO s3_buckets ({columns}) VALUES (?, '1', 'r', '2026-01-01')", (name,))
        connection.executemany(objects, [("a", b"1", 10), ("a", b"2", 5), ("b", b"1", 7)])
    Database.open(old, sealer=SEALER, migrating=True).close()
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT * FROM s3_stored ORDER BY bucket").fetchall() == [("a", 15), ("b", 7)]
        connection.execute("DELETE FROM s3_objects WHERE size = 5")
        connection.execute("UPDATE s3_objects SET size = 1 WHERE bucket = 'b'")
        assert connection.execute("SELECT * FROM s3_stored ORDER BY bucket").fetchall() == [("a", 10), ("b", 1)]
