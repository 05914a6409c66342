"""One running product for the tests of this folder that mistreat none, an account for each module, and its things.

A module that kills or restarts its product, or that looks at all of it, has one of its own and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reading_room.cli.running import free_port
from tests.worlds.cluster import SMALL_PARTS
from tests.worlds.own_account import OwnAccount, own_account
from tests.worlds.place import Place
from tests.worlds.product import Product


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product that modules share, with a console, HTTPS beside plain HTTP, and everything in its log.

    A job is divided among containers only if its tag asks for that; then short inputs have many parts. No container is
    started ahead: kinds of jobs take turns here, and each turn would start and end containers that no job needs.
    """
    settings = SMALL_PARTS | {"STANDBY": "0", "LOG_LEVEL": "debug"}
    found = Product(tmp_path_factory.mktemp("product"), TLS_PORT=str(free_port()), **settings)
    found.console_port = free_port()
    try:
        found.start()
        yield found
    finally:
        found.clear()


@pytest.fixture(scope="module")
def account(product: Product) -> Iterator[OwnAccount]:
    """Clients of the administrator of this module's own account."""
    with own_account(product) as found:
        yield found


@pytest.fixture(scope="module")
def make_library(product: Product, account: OwnAccount) -> Callable[..., Place]:
    """Make a place whose network has flow logs: ``make_library(cidr)``."""

    def make(cidr: str = "10.0.0.0/16", **options: Any) -> Place:
        found = Place(product, cidr, account, **options)
        found.log_flows()
        return found

    return make


@pytest.fixture(scope="module")
def library(make_library: Callable[..., Place]) -> Place:
    """A place for one module, with flow logs."""
    return make_library()
