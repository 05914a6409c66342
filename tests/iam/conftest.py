"""The world of the IAM tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.iam import IamWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[IamWorld]:
    """A fresh account."""
    world = IamWorld(tmp_path)
    yield world
    world.close()
