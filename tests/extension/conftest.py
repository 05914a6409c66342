"""Fixtures for the tests of the API reading-room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.extension import ExtensionWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ExtensionWorld]:
    """An account in which a job would run."""
    world = ExtensionWorld(tmp_path)
    yield world
    world.close()
