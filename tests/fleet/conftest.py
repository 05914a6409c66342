"""A session on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from tests.worlds import databases


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session in a transaction that is still open."""
    database = databases.made(tmp_path / "db.sqlite")
    with database.transaction() as session:
        yield session
    database.close()
