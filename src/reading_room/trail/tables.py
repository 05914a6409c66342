"""The heads of the trail's books, with which truncation of a book is detected."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class TrailHead(Base):
    """The beginning and the end of a book's chain."""

    __tablename__ = "trail_heads"

    server: Mapped[str] = mapped_column(primary_key=True)
    """The identity of the data folder with the book; empty if the database has only one data folder."""
    book: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[str]
    """The digest of the line before the oldest one."""
    head: Mapped[str]
    """The digest of the newest line that was on the disk at ``noted_at``."""
    noted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class TrailHeadLost(Base):
    """A head that was missing from its book when the service started: the book was truncated, and continued since."""

    __tablename__ = "trail_heads_lost"

    server: Mapped[str] = mapped_column(primary_key=True)
    book: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    noted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When that line was last known to exist."""
    missed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
