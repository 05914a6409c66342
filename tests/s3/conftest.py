"""Fixtures of the S3 tests: the worlds of the API tests, and one of them behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worlds.aws_sockets import serving
from tests.worlds.s3 import S3World


@pytest.fixture
def served(world: S3World) -> Iterator[str]:
    """Serve a test's world over HTTP and yield its address."""
    with serving(world.app) as port:
        yield f"http://127.0.0.1:{port}"
