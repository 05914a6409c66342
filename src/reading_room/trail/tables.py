"""The trail's heads: what the database knows of the books, so that a book cannot be cut without its being seen."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped, mapped_column

from reading_room.database.base import Base, UtcDateTime


class TrailHead(Base):
    """Where a book's chain begins and how far it goes."""

    __tablename__ = "trail_heads"

    book: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[str]
    """The digest of the line before the oldest that is kept."""
    head: Mapped[str]
    """The digest of the newest line that was on the disk at ``noted_at``."""
    noted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class TrailHeadLost(Base):
    """A head that a start of the service did not find in its book: that book was cut, and has gone on since."""

    __tablename__ = "trail_heads_lost"

    book: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True)
    noted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    """When that line was last known to be there."""
    missed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
