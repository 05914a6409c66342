"""Indexes for the jobs of a name, and for the objects with tags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9"
down_revision = "8"


def upgrade() -> None:
    """Create the indexes, without which a list filtered by name reads every job, and a start every object."""
    op.create_index("ix_jobs_names", "jobs", ["account", "kind", "name", "submitted_at", "job_id"])
    op.create_index("ix_s3_objects_tagged", "s3_objects", ["bucket"], sqlite_where=sa.text("tags IS NOT NULL"))
