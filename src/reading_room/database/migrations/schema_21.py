"""Settings of buckets by name."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "21"
down_revision = "20"


def upgrade() -> None:
    """Add the column."""
    # SQLite would add it behind the constraints.
    recreate: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("s3_buckets", recreate=recreate) as batch:
        batch.add_column(sa.Column("settings", sa.JSON(), nullable=True))
