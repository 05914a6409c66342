"""What jobs and synchronous calls used, for bills, and the order in which jobs ended, for their retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "8"
down_revision = "7"


def upgrade() -> None:
    """Create the tables of usage. What jobs used that ended before is not known, so they have no usage."""
    op.create_table(
        "job_usage",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("input_bytes", sa.BigInteger(), nullable=False),
        sa.Column("training_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_usage"),
    )
    op.create_index("ix_job_usage_month", "job_usage", ["month", "account", "job_id"])
    op.create_table(
        "call_usage",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("characters", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "month", "operation", name="pk_call_usage"),
    )
    op.create_table(
        "call_usage_mark",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_call_usage_mark"),
    )
    with op.batch_alter_table("job_parts", recreate="always") as batch:
        batch.add_column(sa.Column("characters", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("units", sa.BigInteger(), nullable=True))
    op.create_index("ix_jobs_ended", "jobs", ["ended_at", "job_id"])
