"""Finds the world that chaos tests share with the end-to-end tests, and gives each module one product to mistreat."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))

from place_world import Place
from product_world import Product, running_product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product; cases kill it again and again, so that what one leaves the next one finds."""
    with running_product(tmp_path_factory.mktemp("product"), JOBS_AT_ONCE="1", LOG_LEVEL="debug") as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A bucket, a network and a role in it."""
    return Place(product)
