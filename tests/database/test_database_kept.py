"""The cache of values from the database: read once, cleared after a commit, never older than the last commit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.database.engine import Database
from reading_room.database.kept import Kept
from reading_room.iam.tables import Account, AccountAlias

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    database = Database.open(tmp_path / "db.sqlite")
    database.create_tables()
    yield database
    database.close()


class Names:
    """Reads the names of accounts, and counts how often."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.requests: list[str] = []

    def __call__(self, account: str) -> str | None:
        """Return an account's name, or ``None``."""
        self.requests.append(account)
        with self.database.reading() as session:
            row = session.get(Account, account)
            return None if row is None else row.name


def name(database: Database, account: str, text: str) -> None:
    """Set an account's name."""
    with database.transaction() as session:
        session.merge(Account(account=account, name=text, created_at=NOW))


def test_a_value_is_read_once_until_its_table_is_written(database: Database) -> None:
    name(database, "1", "one")
    kept, names = Kept[str, str](database, Account), Names(database)
    assert [kept.get("1", names), kept.get("1", names)] == ["one", "one"]
    with database.transaction() as session:
        session.add(AccountAlias(account="1", alias="other-table"))
    kept.get("1", names)
    assert names.requests == ["1"]
    name(database, "1", "two")
    assert kept.get("1", names) == "two"
    assert names.requests == ["1", "1"]


def test_peeking_at_a_cached_value_reads_nothing(database: Database) -> None:
    name(database, "1", "one")
    kept, names = Kept[str, str](database, Account), Names(database)
    assert kept.peek("1") is None
    kept.get("1", names)
    assert kept.peek("1") == "one"
    name(database, "1", "two")
    assert kept.peek("1") is None
    assert names.requests == ["1"]


def test_a_missing_value_is_not_cached(database: Database) -> None:
    kept, names = Kept[str, str](database, Account), Names(database)
    assert [kept.get("1", names), kept.get("1", names)] == [None, None]
    assert names.requests == ["1", "1"]


def test_a_value_read_before_a_concurrent_commit_is_not_cached(database: Database) -> None:
    name(database, "1", "old")
    kept, names = Kept[str, str](database, Account), Names(database)

    def overtaken(account: str) -> str | None:
        found = names(account)
        name(database, "1", "new")
        return found

    assert kept.get("1", overtaken) == "old"
    assert kept.get("1", names) == "new"
