"""Flywheels, their datasets and iterations, and the flywheels of models and endpoints."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "16"
down_revision = "15"


def upgrade() -> None:
    """Create the tables, and add the columns."""
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "flywheels",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("active_model_arn", sa.String(), nullable=True),
        sa.Column("task", sa.JSON(), nullable=False),
        sa.Column("role_arn", sa.String(), nullable=False),
        sa.Column("network", sa.JSON(), nullable=False),
        sa.Column("lake_uri", sa.String(), nullable=False),
        sa.Column("marker_sha256", sa.String(), nullable=True),
        sa.Column("pending", sa.JSON(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("iterations", number, nullable=False),
        sa.Column("latest_iteration", sa.String(), nullable=True),
        sa.Column("schedule", sa.String(), nullable=True),
        sa.Column("next_at", moment, nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("modified_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("arn", name="pk_flywheels"),
        sa.UniqueConstraint("account", "token", name="uq_flywheels_account_token"),
    )
    op.create_index("ix_flywheels_listing", "flywheels", ["account", "created_at", "arn"])
    op.create_index("ix_flywheels_active_model_arn", "flywheels", ["active_model_arn"])
    op.create_table(
        "flywheel_datasets",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("flywheel_arn", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("documents", number, nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("arn", name="pk_flywheel_datasets"),
        sa.UniqueConstraint("account", "token", name="uq_flywheel_datasets_account_token"),
    )
    op.create_index("ix_flywheel_datasets_listing", "flywheel_datasets", ["account", "created_at", "arn"])
    op.create_index("ix_flywheel_datasets_flywheel_arn", "flywheel_datasets", ["flywheel_arn"])
    op.create_table(
        "flywheel_iterations",
        sa.Column("flywheel_arn", sa.String(), nullable=False),
        sa.Column("iteration_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("evaluated_model_arn", sa.String(), nullable=True),
        sa.Column("evaluated_metrics", sa.JSON(), nullable=False),
        sa.Column("trained_model_arn", sa.String(), nullable=False),
        sa.Column("trained_metrics", sa.JSON(), nullable=False),
        sa.Column("lake", sa.JSON(), nullable=False),
        sa.Column("prefix_uri", sa.String(), nullable=False),
        sa.Column("training_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("flywheel_arn", "iteration_id", name="pk_flywheel_iterations"),
        sa.UniqueConstraint("flywheel_arn", "token", name="uq_flywheel_iterations_flywheel_arn_token"),
    )
    op.create_index("ix_flywheel_iterations_status", "flywheel_iterations", ["status"])
    # SQLite would add the columns behind the constraints.
    recreate: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    for table in ("models", "model_endpoints"):
        with op.batch_alter_table(table, recreate=recreate) as batch:
            batch.add_column(sa.Column("flywheel_arn", sa.String(), nullable=True))
    op.create_index("ix_model_endpoints_flywheel_arn", "model_endpoints", ["flywheel_arn"])
