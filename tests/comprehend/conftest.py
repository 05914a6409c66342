"""The fixture of the preparation tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.preparation import PreparationWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PreparationWorld]:
    """An account in which a job can run."""
    world = PreparationWorld(tmp_path)
    yield world
    world.database.close()
