"""The heads of the trail's books, instance profiles, uses of roles, log retention and export tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Change the tables, one area after the other."""
    _heads_of_the_trail()
    _access()
    _logs()


def _heads_of_the_trail() -> None:
    """Create their tables. The first start that finds them empty accepts the books as they are."""
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


def _access() -> None:
    op.create_table(
        "iam_role_uses",
        sa.Column("role_id", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("role_id", name="pk_iam_role_uses"),
        sa.ForeignKeyConstraint(
            ["role_id"], ["iam_roles.unique_id"], name="fk_iam_role_uses_role_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "iam_instance_profiles",
        sa.Column("role_id", sa.String(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("unique_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("unique_id", name="pk_iam_instance_profiles"),
        sa.UniqueConstraint("account", "name_key", name="uq_iam_users_account_name_key"),
        sa.ForeignKeyConstraint(["role_id"], ["iam_roles.unique_id"], name="fk_iam_instance_profiles_role_id"),
    )
    op.create_index("ix_iam_instance_profiles_role_id", "iam_instance_profiles", ["role_id"])


def _logs() -> None:
    with op.batch_alter_table("log_groups", recreate="always") as batch:
        batch.add_column(sa.Column("retention_days", sa.Integer(), nullable=True))
    op.create_table(
        "log_export_tasks",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("stream_prefix", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("key_prefix", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_log_export_tasks"),
        sa.UniqueConstraint("task_id", name="uq_log_export_tasks_task_id"),
    )
    op.create_index("ix_log_export_tasks_account", "log_export_tasks", ["account"])
    op.create_index("ix_log_export_tasks_state", "log_export_tasks", ["state"])
