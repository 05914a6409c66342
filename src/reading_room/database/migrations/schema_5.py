"""The oldest schema that is migrated from: the baseline, to which nothing leads."""

from __future__ import annotations

revision = "5"
down_revision = None


def upgrade() -> None:
    """Refuse: what is older than the baseline is not migrated."""
    raise AssertionError("nothing leads to the baseline")
