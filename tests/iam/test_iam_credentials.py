"""Looking up access keys, also unknown ones, which anyone can send at a high rate."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reading_room.iam.credentials import StoredCredentials
from tests.worlds import databases


@pytest.mark.parametrize("kind", ["AKIA", "ASIA"])
def test_an_unknown_key_takes_one_database_query(tmp_path: Path, kind: str) -> None:
    requested: list[str] = []

    def ask(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        requested.append(statement)

    with closing(databases.made(tmp_path / "db.sqlite")) as database:
        credentials = StoredCredentials(database)
        event.listen(database.engine, "before_cursor_execute", ask)
        assert credentials.find(kind + "B" * 16) is None
    assert len([each for each in requested if each.startswith("SELECT")]) == 1
