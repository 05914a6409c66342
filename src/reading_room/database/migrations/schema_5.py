"""The baseline: the oldest schema that can be migrated."""

from __future__ import annotations

revision = "5"
down_revision = None


def upgrade() -> None:
    """Raise, since databases older than the baseline cannot be migrated."""
    raise AssertionError("there is no migration to the baseline")
