"""Object Lock: retention and legal holds that keep versions from being deleted, as pure functions.

The lock of a version is a mapping: ``mode`` and ``until`` (ISO 8601 in UTC) for its retention, ``hold`` (``ON`` or
``OFF``) for its legal hold; each may be missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"
Lock = Mapping[str, str]


def until_of(lock: Lock | None) -> dt.datetime | None:
    """Return until when a version is retained, whether or not that has passed; ``None`` without retention."""
    return dt.datetime.fromisoformat(lock["until"]) if lock and "until" in lock else None


def is_held(lock: Lock | None, now: dt.datetime, *, bypass: bool = False) -> bool:
    """Say whether a lock keeps its version from being deleted.

    ``bypass`` lifts retention in governance mode, and nothing else.
    """
    if not lock:
        return False
    if lock.get("hold") == "ON":
        return True
    until = until_of(lock)
    return until is not None and now < until and not (bypass and lock["mode"] == GOVERNANCE)
