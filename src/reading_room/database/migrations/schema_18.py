"""Versions and encryption of objects: settings of buckets, data keys, and tables of versions and of service keys."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "18"
down_revision = "17"

ADD = """
INSERT INTO s3_stored (bucket, bytes) VALUES (NEW.bucket, NEW.size)
ON CONFLICT (bucket) DO UPDATE SET bytes = s3_stored.bytes + excluded.bytes;"""
SUBTRACT = """
UPDATE s3_stored SET bytes = bytes - OLD.size WHERE bucket = OLD.bucket;"""
CHANGE = """
UPDATE s3_stored SET bytes = bytes + NEW.size - OLD.size WHERE bucket = NEW.bucket;"""
OF_OBJECTS = {
    "s3_objects_added": f"AFTER INSERT ON s3_objects BEGIN{ADD} END",
    "s3_objects_deleted": f"AFTER DELETE ON s3_objects BEGIN{SUBTRACT} END",
    "s3_objects_changed": f"AFTER UPDATE OF size ON s3_objects WHEN NEW.size <> OLD.size BEGIN{CHANGE} END",
}
OF_VERSIONS = {
    "sqlite": (
        f"CREATE TRIGGER s3_versions_added AFTER INSERT ON s3_versions BEGIN{ADD} END",
        f"CREATE TRIGGER s3_versions_deleted AFTER DELETE ON s3_versions BEGIN{SUBTRACT} END",
    ),
    "postgresql": (
        "CREATE TRIGGER s3_versions_counted AFTER INSERT OR DELETE ON s3_versions "
        "FOR EACH ROW EXECUTE FUNCTION s3_objects_counted()",
    ),
}


def upgrade() -> None:
    """Add the columns, and create the table with the triggers that count its bytes."""
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    # SQLite would add the columns behind the constraints, and behind the content, which a listing must not read.
    recreate: Literal["always", "never"] = "always" if on_sqlite else "never"
    for name in OF_OBJECTS if on_sqlite else ():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    with op.batch_alter_table("s3_buckets", recreate=recreate) as batch:
        batch.add_column(sa.Column("versioning", sa.String(16), nullable=True))
        batch.add_column(sa.Column("object_lock", sa.JSON(), nullable=True))
    with op.batch_alter_table("s3_objects", recreate=recreate) as batch:
        before = "content" if on_sqlite else None
        batch.add_column(sa.Column("version_id", sa.String(32), nullable=True), insert_before=before)
        batch.add_column(sa.Column("lock", sa.JSON(), nullable=True), insert_before=before)
        batch.add_column(sa.Column("encryption", sa.JSON(), nullable=True), insert_before=before)
        batch.add_column(sa.Column("rank", number, nullable=False, server_default="0"), insert_before=before)
    with op.batch_alter_table("s3_uploads", recreate=recreate) as batch:
        batch.add_column(sa.Column("lock", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("encryption", sa.JSON(), nullable=True))
    op.create_table(
        "s3_service_keys",
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite"), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_s3_service_keys"),
    )
    for name, statement in OF_OBJECTS.items() if on_sqlite else ():
        # Replacing the table has dropped them.
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {statement}")
    plain = sa.text("encryption IS NULL")
    op.create_index(
        "ix_s3_objects_plain", "s3_objects", ["bucket", "key", "rank"], sqlite_where=plain, postgresql_where=plain
    )
    _create_versions(number)
    for statement in OF_VERSIONS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def _create_versions(number: sa.types.TypeEngine[int]) -> None:
    moment = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    op.create_table(
        "s3_versions",
        sa.Column("bucket", sa.String(63), nullable=False),
        sa.Column("key", sa.LargeBinary(1024), nullable=False),
        sa.Column("size", number, nullable=False),
        sa.Column("etag", sa.String(48), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("last_modified", moment, nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("user_metadata", sa.JSON(), nullable=False),
        sa.Column("checksum", sa.JSON(), nullable=True),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("multipart", sa.Boolean(), nullable=False),
        sa.Column("upload_id", sa.String(64), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=True),
        sa.Column("part_checksums", sa.JSON(), nullable=True),
        sa.Column("version_id", sa.String(32), nullable=True),
        sa.Column("lock", sa.JSON(), nullable=True),
        sa.Column("encryption", sa.JSON(), nullable=True),
        sa.Column("rank", number, autoincrement=False, nullable=False),
        sa.Column("is_delete_marker", sa.Boolean(), nullable=False),
        sa.Column("noncurrent_at", moment, nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("bucket", "key", "rank", name="pk_s3_versions"),
        sa.ForeignKeyConstraint(["bucket"], ["s3_buckets.name"], name="fk_s3_versions_bucket"),
    )
    for name, columns, condition, unique in (
        ("ix_s3_versions_null", ["bucket", "key"], "version_id IS NULL", True),
        ("ix_s3_versions_tagged", ["bucket"], "tags IS NOT NULL", False),
        ("ix_s3_versions_in_blobs", ["bucket"], "content IS NULL", False),
        ("ix_s3_versions_plain", ["bucket", "key", "rank"], "encryption IS NULL", False),
    ):
        where = sa.text(condition)
        op.create_index(name, "s3_versions", columns, unique=unique, sqlite_where=where, postgresql_where=where)
