"""The organization of the installation's accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20"
down_revision = "19"


def upgrade() -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "organizations",
        sa.Column("id", number, autoincrement=False, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("root_id", sa.String(), nullable=False),
        sa.Column("service_control", sa.Boolean(), nullable=False),
        sa.Column("resource_control", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
    )
    _table(
        "organization_units",
        sa.Column("unit_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("unit_id", name="pk_organization_units"),
        sa.UniqueConstraint("parent_id", "name", name="uq_organization_units_parent_id_name"),
    )
    _table(
        "organization_accounts",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("parent_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("invited", sa.Boolean(), nullable=False),
        sa.Column("joined_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_organization_accounts"),
        sa.UniqueConstraint("email", name="uq_organization_accounts_email"),
    )
    op.create_index("ix_organization_accounts_parent_id", "organization_accounts", ["parent_id"])
    _table(
        "organization_policies",
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name="pk_organization_policies"),
        sa.UniqueConstraint("kind", "name", name="uq_organization_policies_kind_name"),
    )
    _table(
        "organization_attachments",
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("policy_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target_id", "policy_id", name="pk_organization_attachments"),
    )
    op.create_index("ix_organization_attachments_policy_id", "organization_attachments", ["policy_id"])
    _table(
        "organization_tags",
        sa.Column("resource_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource_id", name="pk_organization_tags"),
    )
    _table(
        "organization_creations",
        sa.Column("creation_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("requested_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("creation_id", name="pk_organization_creations"),
    )
    _table(
        "organization_invitations",
        sa.Column("handshake_id", sa.String(), nullable=False),
        sa.Column("organization", number, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("requested_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("handshake_id", name="pk_organization_invitations"),
    )
    op.create_index("ix_organization_invitations_account", "organization_invitations", ["account"])


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """Create a table of rows that go with the organization."""
    of_organization = sa.ForeignKeyConstraint(
        ["organization"], ["organizations.id"], name=f"fk_{name}_organization", ondelete="CASCADE"
    )
    op.create_table(name, *parts, of_organization)
    op.create_index(f"ix_{name}_organization", name, ["organization"])
