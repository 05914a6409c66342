"""What the tests of the store share: the worlds of the API tests, and one of them behind a real socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
sys.path.insert(0, str(Path(__file__).parents[1] / "aws"))

from aws_sockets import serving
from s3_world import S3World


@pytest.fixture
def served(world: S3World) -> Iterator[str]:
    """Yield the address at which a test's world is served over HTTP."""
    with serving(world.app) as port:
        yield f"http://127.0.0.1:{port}"
