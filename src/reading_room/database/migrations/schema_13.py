"""The bytes that the objects of each bucket have, which triggers keep, and an index of the objects in blobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "13"
down_revision = "12"

ADD = """
INSERT INTO s3_stored (bucket, bytes) VALUES (NEW.bucket, NEW.size)
ON CONFLICT (bucket) DO UPDATE SET bytes = s3_stored.bytes + excluded.bytes;"""
SUBTRACT = """
UPDATE s3_stored SET bytes = bytes - OLD.size WHERE bucket = OLD.bucket;"""
CHANGE = """
UPDATE s3_stored SET bytes = bytes + NEW.size - OLD.size WHERE bucket = NEW.bucket;"""
TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER s3_objects_added AFTER INSERT ON s3_objects BEGIN{ADD} END",
        f"CREATE TRIGGER s3_objects_deleted AFTER DELETE ON s3_objects BEGIN{SUBTRACT} END",
        "CREATE TRIGGER s3_objects_changed AFTER UPDATE OF size ON s3_objects WHEN NEW.size <> OLD.size "
        f"BEGIN{CHANGE} END",
    ),
    "postgresql": (
        "CREATE FUNCTION s3_objects_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN{ADD} ELSIF TG_OP = 'DELETE' THEN{SUBTRACT} ELSE{CHANGE} END IF; "
        "RETURN NULL; END $$",
        "CREATE TRIGGER s3_objects_counted AFTER INSERT OR DELETE OR UPDATE OF size ON s3_objects "
        "FOR EACH ROW EXECUTE FUNCTION s3_objects_counted()",
    ),
}


def upgrade() -> None:
    """Create the table with the sums of the present objects, the triggers that keep them, and the index."""
    op.create_table(
        "s3_stored",
        sa.Column("bucket", sa.String(63), nullable=False),
        sa.Column("bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_s3_stored"),
        sa.ForeignKeyConstraint(["bucket"], ["s3_buckets.name"], name="fk_s3_stored_bucket", ondelete="CASCADE"),
    )
    op.execute("INSERT INTO s3_stored (bucket, bytes) SELECT bucket, SUM(size) FROM s3_objects GROUP BY bucket")
    in_blobs = sa.text("content IS NULL")
    op.create_index(
        "ix_s3_objects_in_blobs", "s3_objects", ["bucket"], sqlite_where=in_blobs, postgresql_where=in_blobs
    )
    for statement in TRIGGERS[op.get_bind().dialect.name]:
        op.get_bind().exec_driver_sql(statement)
