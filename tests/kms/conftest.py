"""The fixtures of the tests of KMS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.kms import KmsWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[KmsWorld]:
    """An account with keys."""
    world = KmsWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def kms(world: KmsWorld) -> Any:
    """The client of the account's administrator."""
    return world.kms
