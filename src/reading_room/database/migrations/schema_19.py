"""Keys, their material, aliases and grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "19"
down_revision = "18"


def upgrade() -> None:
    """Create the tables."""
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "kms_keys",
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=True),
        sa.Column("spec", sa.String(), nullable=False),
        sa.Column("usage", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("pinned_policy", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("material_id", sa.String(), nullable=True),
        sa.Column("rotation_days", number, nullable=True),
        sa.Column("rotates_at", moment, nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_kms_keys"),
        sa.UniqueConstraint("account", "region", "service", name="uq_kms_keys_account_region_service"),
    )
    op.create_index("ix_kms_keys_listing", "kms_keys", ["account", "region", "key_id"])
    op.create_index("ix_kms_keys_deleted_at", "kms_keys", ["deleted_at"])
    op.create_index("ix_kms_keys_rotates_at", "kms_keys", ["rotates_at"])
    op.create_table(
        "kms_key_material",
        sa.Column("material_id", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("rotation", sa.String(), nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("sealed_content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("material_id", name="pk_kms_key_material"),
        sa.UniqueConstraint("key_id", "number", name="uq_kms_key_material_key_id_number"),
        sa.ForeignKeyConstraint(["key_id"], ["kms_keys.key_id"], name="fk_kms_key_material_key_id", ondelete="CASCADE"),
    )
    op.create_index("ix_kms_key_material_expires_at", "kms_key_material", ["expires_at"])
    op.create_table(
        "kms_aliases",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["kms_keys.key_id"], name="fk_kms_aliases_key_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account", "region", "name", name="pk_kms_aliases"),
    )
    op.create_index("ix_kms_aliases_key_id", "kms_aliases", ["key_id"])
    op.create_table(
        "kms_grants",
        sa.Column("grant_id", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("grantee", sa.String(), nullable=False),
        sa.Column("pinned_grantee", sa.String(), nullable=False),
        sa.Column("retiring", sa.String(), nullable=True),
        sa.Column("pinned_retiring", sa.String(), nullable=True),
        sa.Column("operations", sa.Text(), nullable=False),
        sa.Column("constraints", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["kms_keys.key_id"], name="fk_kms_grants_key_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("grant_id", name="pk_kms_grants"),
        sa.UniqueConstraint("token", name="uq_kms_grants_token"),
    )
    op.create_index("ix_kms_grants_grantee", "kms_grants", ["key_id", "pinned_grantee"])
    op.create_index("ix_kms_grants_pinned_retiring", "kms_grants", ["pinned_retiring"])
