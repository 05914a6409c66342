"""Sealed secrets of access keys, and the root key's id in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reading_room.sealing import Sealer

revision = "6"
down_revision = "5"

_SECRETS = {
    "iam_access_keys": ("secret_access_key",),
    "iam_role_sessions": ("secret_access_key", "session_token"),
    "iam_user_sessions": ("secret_access_key", "session_token"),
    "iam_sign_in_sessions": ("secret_access_key", "session_token"),
}


def upgrade() -> None:
    """Replace each secret with its sealed form, bound to its table, column and row."""
    sealer = op.get_context().opts["sealer"]
    assert isinstance(sealer, Sealer), "this migration needs the root key"
    for table, columns in _SECRETS.items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.alter_column(column, new_column_name=f"sealed_{column}", type_=sa.LargeBinary())
        _seal(sealer, table, columns)
    op.create_table(
        "sealing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("clean", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sealing"),
    )
    op.get_bind().execute(
        sa.text("INSERT INTO sealing VALUES (1, :key_id, :proof, 0)"),
        {"key_id": sealer.key_id, "proof": sealer.seal(b"this is the root key", "sealing", "proof", "1")},
    )


def _seal(sealer: Sealer, table: str, columns: tuple[str, ...]) -> None:
    rows = sa.table(table, sa.column("access_key_id"), *(sa.column(f"sealed_{column}") for column in columns))
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows)).all():
        key = row.access_key_id
        values = {}
        for column in columns:
            plain = getattr(row, f"sealed_{column}")
            content = plain.encode() if isinstance(plain, str) else plain
            values[f"sealed_{column}"] = sealer.seal(content, table, column, key)
        connection.execute(sa.update(rows).where(rows.c.access_key_id == key).values(values))
