"""The pytest plugin: fixtures that start a product when a test first uses one of them.

pytest loads it in every run on a machine where Reading Room is installed, so it imports nothing before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reading_room.testing.account import Account
    from reading_room.testing.service import Service


@pytest.fixture(scope="session")
def reading_room_settings() -> Mapping[str, Any]:
    """Settings of the product, as ``running`` takes them: override this fixture in a ``conftest.py``."""
    return {}


@pytest.fixture(scope="session")
def reading_room(
    tmp_path_factory: pytest.TempPathFactory, reading_room_settings: Mapping[str, Any]
) -> Iterator[Service]:
    """A running product, one for each process of the test run."""
    from reading_room.testing.service import running

    with running(tmp_path_factory.mktemp("reading-room"), **reading_room_settings) as service:
        yield service


@pytest.fixture
def reading_room_account(reading_room: Service) -> Iterator[Account]:
    """A new account for the test, in which nothing of other tests is, and which is deleted afterwards."""
    with reading_room.new_account() as account:
        yield account
