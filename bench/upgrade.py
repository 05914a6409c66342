"""An upgrade of a data folder with 100,000 jobs and 1,000,000 objects: its backup and its migration.

The folder is the tests' archive of schema 5, the oldest that is migrated, with its job and an object copied many times.
It is opened by this version, and then once more as if by the next one, which has nothing to migrate. Ratios are to a
copy of the database file, with a sync, in the same run.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import reading_room.wiring.server  # noqa: F401 # declares every table
from bench.report import Row, record
from reading_room import versions
from reading_room.database.opening import FILE, open_database
from reading_room.sealing import KEY_BYTES, Sealer
from reading_room.upgrades import backups

JOBS = int(os.environ.get("BENCH_UPGRADE_JOBS", "100000"))
OBJECTS = int(os.environ.get("BENCH_UPGRADE_OBJECTS", "1000000"))
ARCHIVE = Path(__file__).resolve().parents[1] / "tests/database/data/schema_5.tar.xz"
FOLDER = os.environ.get("BENCH_UPGRADE_FOLDER")
"""Where the folder is made; it needs five times the size of the database."""


def main() -> None:
    """Measure and record."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as name, tarfile.open(ARCHIVE) as tar:
        tar.extractall(name, filter="data")
        data = Path(name) / "data"
        _fill(data / FILE)
        size = (data / FILE).stat().st_size
        sealer = Sealer(bytes(KEY_BYTES))
        copied, _ = _timed(lambda: _copy(data / FILE, Path(name) / "copy"))
        opened, used = _timed(lambda: open_database(data, sealer).close())
        assert [each.schema for each in backups(data)] == [5]
        again, again_used = _timed(lambda: open_database(data, sealer).close())
        versions.write(data, versions.Versions("0.0.9", versions.DATA_FORMATS))
        copied_again, _ = _timed(lambda: _copy(data / FILE, Path(name) / "copy"))
        upgraded, upgraded_used = _timed(lambda: open_database(data, sealer).close())
    what = f"{JOBS:,} jobs with six events each, {OBJECTS:,} objects, {size / 1e6:,.0f} MB; once"
    record(
        "Upgrade of a large folder",
        [
            Row(
                "from schema 5: sealed backup, migration, rewriting without plain text",
                f"{opened:.1f} s, {used:.1f} s of the processor's; {opened / copied:.1f} × a copy of the file",
                "30 s",
                what,
            ),
            Row(
                "the next version, with no migration: backup",
                f"{upgraded:.1f} s, {upgraded_used:.1f} s of the processor's; {upgraded / copied_again:.1f} × a copy",
                "30 s",
                what,
            ),
            Row(
                "a start of the same version",
                f"{again:.2f} s, {again_used:.2f} s of the processor's",
                "reported",
                what,
            ),
        ],
    )


def _timed(does: Callable[[], object]) -> tuple[float, float]:
    began, used = time.monotonic(), time.process_time()
    does()
    return time.monotonic() - began, time.process_time() - used


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _fill(path: Path) -> None:
    """Copy the rows of the entities job, and one object, as often as needed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        (job,) = connection.execute("SELECT job_id FROM jobs WHERE name = 'released'").fetchone()
        connection.execute("CREATE TEMP TABLE numbers (n INTEGER PRIMARY KEY)")
        connection.execute(
            "INSERT INTO numbers "
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ?) SELECT n FROM c",
            (max(JOBS, OBJECTS),),
        )
        number = "printf('%032x', n)"
        _multiply(
            connection,
            "jobs",
            {"job_id": number, "arn": f"replace(arn, job_id, {number})", "client_token": "NULL"},
            f"job_id = '{job}' AND n <= {JOBS}",
        )
        _multiply(connection, "job_events", {"sequence": "NULL", "job_id": number}, f"job_id = '{job}' AND n <= {JOBS}")
        _multiply(
            connection,
            "s3_objects",
            {"key": "CAST(printf('texts/%07d.txt', n) AS BLOB)"},
            f"bucket = 'released' AND key = CAST('in/a.txt' AS BLOB) AND n <= {OBJECTS}",
        )


def _multiply(connection: sqlite3.Connection, table: str, changed: Mapping[str, str], which: str) -> None:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    connection.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM numbers, {table} WHERE {which}")
