"""The product that the commands use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.product import Product, running_product


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product."""
    with running_product(tmp_path_factory.mktemp("commands")) as found:
        yield found
