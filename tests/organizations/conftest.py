"""The world of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worlds.organizations import OrganizationWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[OrganizationWorld]:
    """A fresh installation without an organization."""
    world = OrganizationWorld(tmp_path)
    yield world
    world.close()
