"""A start reads what is unfinished, and no table that grows with the years; so does the first write after it."""

from __future__ import annotations

import asyncio
import configparser
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from sqlalchemy import event

from reading_room.cli.running import free_port
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.settings import Settings
from reading_room.wiring.running import RunningServer
from tests.worlds import databases

GROWING = {"jobs", "job_events", "job_tags", "job_usage", "s3_objects", "s3_versions", "log_events", "log_streams"}
"""The tables whose rows outlive what made them."""
LIMIT = 1_000


class Statements:
    """The statements that a database runs, and how SQLite finds the rows for each. It plans alike for any number."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[str, Any] = {}
        event.listen(database.engine, "before_cursor_execute", self._note)

    def _note(self, _: Any, __: Any, statement: str, parameters: Any, *more: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN", "CREATE", "DROP")):
            self._seen[statement] = parameters[0] if isinstance(parameters, list) else parameters

    def scanned(self) -> dict[str, str]:
        """Return the statements that read all rows of a table or of a whole index, by the table."""
        found = {}
        with closing(self._database.engine.raw_connection()) as connection:
            for statement, parameters in self._seen.items():
                cursor = connection.cursor()
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for step in (str(row[3]).split() for row in cursor.fetchall()):
                    # An index of what is still in plain text has no other rows.
                    if step[0] == "SCAN" and not step[-1].endswith("_plain"):
                        found[step[1]] = statement
        return found


def put(settings: Settings, key: str, size: int) -> None:
    """Put an object as the first administrator, into a bucket that is made if necessary."""
    found = configparser.ConfigParser()
    found.read(settings.data / "credentials")
    s3 = boto3.client(
        "s3",
        settings.region,
        endpoint_url=f"http://127.0.0.1:{settings.port}",
        aws_access_key_id=found["default"]["aws_access_key_id"],
        aws_secret_access_key=found["default"]["aws_secret_access_key"],
    )
    s3.create_bucket(Bucket="years")
    s3.put_object(Bucket="years", Key=key, Body=bytes(size))


def served(settings: Settings, database: Database, key: str, size: int) -> None:
    """Start a server without an agent, put an object as its first request, and end the server."""

    async def serve() -> None:
        running = RunningServer(settings, database, system_clock, None, "server")
        await running.open()
        await running.start()
        try:
            await asyncio.to_thread(put, settings, key, size)
        finally:
            await running.end()

    asyncio.run(serve())


@pytest.mark.costs(2, reason="a server is started twice")
def test_a_start_and_the_first_write_read_no_table_that_grows_with_the_years(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, port=free_port(), console_port=0, storage_per_account=LIMIT)
    served(settings, databases.made(tmp_path / "db.sqlite"), "first", LIMIT - 10)
    database = databases.made(tmp_path / "db.sqlite")
    statements = Statements(database)
    # The limit holds from the first byte on.
    with pytest.raises(ClientError, match="InsufficientCapacity"):
        served(settings, database, "second", 11)
    scanned = statements.scanned()
    assert "s3_buckets" in scanned
    assert not GROWING & scanned.keys(), scanned
