"""The fixture of the controller's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.jobs import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A controller on an empty database."""
    world = World(tmp_path)
    yield world
    world.database.close()
