"""The traces of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"


def upgrade() -> None:
    """Add the column for the id of a job's trace. Earlier jobs have none."""
    with op.batch_alter_table("jobs", recreate="always") as batch:
        batch.add_column(sa.Column("trace", sa.String(), nullable=True))
        # Made again so that it stays the last one; a new database has the same order.
        batch.drop_constraint("uq_jobs_arn", type_="unique")
        batch.create_unique_constraint("uq_jobs_arn", ["arn"])
