"""The product that the commands of the documents speak to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import product_of


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product, for pages that get along: what one names no other does, and none says all that there is."""
    with product_of(tmp_path_factory.mktemp("documents") / "product") as found:
        found.start()
        yield found
