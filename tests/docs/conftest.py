"""Finds the product that tests of the documents share with the end-to-end tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))

from product_world import Product
from shells import product_of


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product."""
    with product_of(tmp_path_factory.mktemp("documents") / "product") as found:
        found.start()
        yield found
