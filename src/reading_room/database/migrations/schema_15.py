"""Model endpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "15"
down_revision = "14"


def upgrade() -> None:
    """Create the table."""
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "model_endpoints",
        sa.Column("arn", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("model_arn", sa.String(), nullable=True),
        sa.Column("desired_model_arn", sa.String(), nullable=False),
        sa.Column("units", number, nullable=True),
        sa.Column("desired_units", number, nullable=False),
        sa.Column("role_arn", sa.String(), nullable=True),
        sa.Column("desired_role_arn", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("modified_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("arn", name="pk_model_endpoints"),
        sa.UniqueConstraint("account", "token", name="uq_model_endpoints_account_token"),
    )
    op.create_index("ix_model_endpoints_listing", "model_endpoints", ["account", "created_at", "arn"])
