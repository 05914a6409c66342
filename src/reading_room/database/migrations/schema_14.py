"""Recall profiles, with which personal data is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "14"
down_revision = "13"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pii_profiles",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite"), nullable=False),
        sa.Column("default_language", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("account", "name", name="pk_pii_profiles"),
        sa.UniqueConstraint("account", "default_language", name="uq_pii_profiles_account_default_language"),
    )
