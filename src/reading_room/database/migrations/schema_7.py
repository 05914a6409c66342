"""The heads of the trail's books are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Change the tables of one area after the other."""
    _heads_of_the_trail()


def _heads_of_the_trail() -> None:
    """Make their tables. The first start that finds them empty takes the books as they are."""
    op.create_table(
        "trail_heads",
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("book", name="pk_trail_heads"),
    )
    op.create_table(
        "trail_heads_lost",
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.Column("missed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("book", "digest", name="pk_trail_heads_lost"),
    )
