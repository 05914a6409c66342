"""One product for each module of chaos tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.place import Place
from tests.worlds.product import Product, running_product


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A running product. Cases kill it again and again, so that a case finds what an earlier one left behind."""
    with running_product(tmp_path_factory.mktemp("product"), JOBS_AT_ONCE="1", STANDBY="1", LOG_LEVEL="debug") as found:
        yield found


@pytest.fixture(scope="module")
def place(product: Product) -> Place:
    """A bucket, a network and a role in it."""
    return Place(product)
