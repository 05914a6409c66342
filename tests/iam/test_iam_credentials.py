"""Access keys as the wire asks for them: strangers ask for keys that there are not, as fast as they can."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reading_room.iam.credentials import StoredCredentials
from tests.worlds import databases


@pytest.mark.parametrize("kind", ["AKIA", "ASIA"])
def test_a_key_that_there_is_not_takes_one_question_to_the_database(tmp_path: Path, kind: str) -> None:
    asked: list[str] = []

    def ask(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    with closing(databases.made(tmp_path / "db.sqlite")) as database:
        credentials = StoredCredentials(database)
        event.listen(database.engine, "before_cursor_execute", ask)
        assert credentials.find(kind + "B" * 16) is None
    assert len([each for each in asked if each.startswith("SELECT")]) == 1
