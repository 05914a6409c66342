"""Hosts for tests: what they say of themselves when they join."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from reading_room.fleet.hosts import NewHost
from reading_room.versions import VERSION

ZONES = ("us-east-1a", "us-east-1b")
NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
"""The database's time in tests that pass one."""


def new_host(host: str = "reader-2", place: int = 2, **more: Any) -> NewHost:
    """Return a host that may join; ``place`` tells its address and its key from those of others."""
    values: dict[str, Any] = {
        "host": host,
        "zone": ZONES[0],
        "underlay": f"10.0.0.{place}",
        "mtu": 1500,
        "cores": 4,
        "memory_bytes": 8 << 30,
        "public_key": hashlib.sha256(bytes([place])).hexdigest(),
        "program": VERSION,
    }
    return NewHost(**(values | more))
