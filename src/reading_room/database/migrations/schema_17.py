"""State events and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "17"
down_revision = "16"


def upgrade() -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "state_events",
        sa.Column("sequence", number, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("routed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_state_events"),
    )
    op.create_index("ix_state_events_routed", "state_events", ["routed"])
    op.create_table(
        "state_event_deliveries",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("sequence", number, autoincrement=False, nullable=False),
        sa.Column("ordered_by", sa.String(), nullable=False),
        sa.Column("attempts", number, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("tried_at", moment, nullable=True),
        sa.Column("given_up_at", moment, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["sequence"],
            ["state_events.sequence"],
            name="fk_state_event_deliveries_sequence",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("target", "sequence", name="pk_state_event_deliveries"),
    )
    op.create_index("ix_state_event_deliveries_order", "state_event_deliveries", ["target", "ordered_by", "sequence"])
