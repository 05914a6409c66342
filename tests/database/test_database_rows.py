"""Rows by their keys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from reading_room.database import rows
from reading_room.database.engine import Database
from reading_room.vpc.tables import ClientToken
from tests.worlds import databases

NOW = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = databases.made(tmp_path / "db.sqlite")
    yield database
    database.close()


def token(name: str) -> ClientToken:
    return ClientToken(account="1", operation="o", token=name, parameters="", resource_ids=[name], created_at=NOW)


def test_a_row_is_found_by_all_columns_of_its_key(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([token("a"), token("b")])
    with database.reading() as session:
        found = rows.get(session, ClientToken, "1", "o", "b")
        assert found is not None
        assert found.resource_ids == ["b"]
        assert rows.get(session, ClientToken, "2", "o", "b") is None


def test_a_row_that_the_session_has_is_not_read_again_and_a_deleted_one_is_not_found(database: Database) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with database.transaction() as session:
        made = token("a")
        session.add(made)
        assert rows.get(session, ClientToken, "1", "o", "a") is made
        statements.clear()
        assert rows.get(session, ClientToken, "1", "o", "a") is made
        assert statements == []
        session.delete(made)
        session.flush()
        assert rows.get(session, ClientToken, "1", "o", "a") is None
