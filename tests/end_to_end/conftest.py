"""Fixtures of the end-to-end tests: one running product, an account for each module, and places for jobs.

Modules that kill, restart or inspect a whole product start a separate one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reading_room.cli.running import free_port
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.machines import product_on_hosts
from tests.worlds.own_account import OwnAccount, own_account
from tests.worlds.place import Place
from tests.worlds.product import Product


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product that modules share, with a console, metrics, HTTPS and plain HTTP. Its log level is debug.

    A job runs in several containers only if it has the tag for that; then even short inputs have many parts.
    """
    settings = SMALL_PARTS | {"LOG_LEVEL": "debug"}
    settings |= {f"{name}_PORT": str(free_port()) for name in ("TLS", "METRICS", "CONSOLE")}
    with product_on_hosts(tmp_path_factory.mktemp("product"), **settings) as found:
        yield found


@pytest.fixture(scope="module")
def account(product: Product) -> Iterator[OwnAccount]:
    """Clients of the administrator of a separate account for each module."""
    with own_account(product) as found:
        yield found


@pytest.fixture(scope="module")
def make_library(product: Product, account: OwnAccount) -> Callable[..., Place]:
    """Return a function that makes a place with flow logs: ``make_library(cidr)``."""

    def make(cidr: str = "10.0.0.0/16", **options: Any) -> Place:
        found = Place(product, cidr, account, **options)
        found.log_flows()
        return found

    return make


@pytest.fixture(scope="module")
def library(make_library: Callable[..., Place]) -> Place:
    """A place with flow logs for each module."""
    return make_library()
