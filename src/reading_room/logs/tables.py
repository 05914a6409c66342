"""Log groups, streams and events.

Events are in a separate table that no other part of the product reads or locks, and are written in batches. Times are
milliseconds since 1970, as in the API.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base


class LogGroup(Base):
    """A log group."""

    __tablename__ = "log_groups"
    __table_args__ = (UniqueConstraint("account", "name"),)

    group_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    account: Mapped[str]
    region: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    tags: Mapped[str] = mapped_column(Text, default="{}")
    retention_days: Mapped[int | None]
    """How long events are kept; ``None`` means forever."""

    @property
    def arn(self) -> str:
        """The group's ARN, without the ``:*`` that some responses add."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"


class LogStream(Base):
    """A log stream, with the bounds of its events, which every batch updates."""

    __tablename__ = "log_streams"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    stream_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("log_groups.group_id", ondelete="CASCADE"))
    name: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    first_event_at: Mapped[int | None] = mapped_column(BigInteger)
    last_event_at: Mapped[int | None] = mapped_column(BigInteger)
    last_ingested_at: Mapped[int | None] = mapped_column(BigInteger)
    stored_bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class LogEvent(Base):
    """One event. ``event_id`` increases with ingestion, so events with equal timestamps keep their order."""

    __tablename__ = "log_events"
    __table_args__ = (Index("ix_log_events_order", "stream_id", "timestamp", "event_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    stream_id: Mapped[int] = mapped_column(ForeignKey("log_streams.stream_id", ondelete="CASCADE"))
    timestamp: Mapped[int] = mapped_column(BigInteger)
    ingested_at: Mapped[int] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(Text)


class ExportTask(Base):
    """The export of a group's events to a bucket. ``number`` increases, so the newest task has the highest."""

    __tablename__ = "log_export_tasks"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    task_id: Mapped[str] = mapped_column(unique=True)
    account: Mapped[str] = mapped_column(index=True)
    region: Mapped[str]
    name: Mapped[str | None]
    group_name: Mapped[str]
    stream_prefix: Mapped[str]
    start: Mapped[int] = mapped_column(BigInteger)
    """Milliseconds since 1970; events from ``start`` to ``end``, both included, are exported."""
    end: Mapped[int] = mapped_column(BigInteger)
    bucket: Mapped[str]
    key_prefix: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    """PENDING, RUNNING, PENDING_CANCEL, COMPLETED, CANCELLED or FAILED."""
    message: Mapped[str]
    created_at: Mapped[int] = mapped_column(BigInteger)
    completed_at: Mapped[int | None] = mapped_column(BigInteger)
