"""The processes that share a store of objects, and the store that the objects of the database are in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "11"
down_revision = "10"


def upgrade() -> None:
    """Create the tables, which are empty unless a store is shared."""
    op.create_table(
        "s3_servers",
        sa.Column("server", sa.String(12), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("busy_ms", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_s3_servers"),
    )
    op.create_table(
        "s3_stores",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("store", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_s3_stores"),
    )
