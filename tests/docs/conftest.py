"""The product that the commands of the documents use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.product import Product
from tests.worlds.shells import product_of


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product for pages that can share it: each uses names of its own, and none lists everything there is."""
    with product_of(tmp_path_factory.mktemp("documents") / "product") as found:
        found.start()
        yield found
