"""Writes of other processes, and how the server learns of them.

What the server keeps in memory is thrown away by the commits of its own process. A command that writes beside it, as
``reading-room accounts`` does, counts its transactions in one row of the database; the server looks at that row every
second and, when it has changed, takes every table for written. One look takes a quarter of a millisecond.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column

from reading_room.database.base import Base
from reading_room.database.engine import Database

LOOK_SECONDS = 1.0
"""How often the server looks, so how long what another process took away may still be honoured."""
_ONLY = 1


class OutsideWrite(Base):
    """The count of transactions of other processes: one row."""

    __tablename__ = "outside_writes"

    id: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]


def count_outside_write(session: Session) -> None:
    """Let a transaction of this process be noticed by the server, together with what it writes or not at all."""
    row = session.get(OutsideWrite, _ONLY)
    if row is None:
        row = OutsideWrite(id=_ONLY, count=0)
        session.add(row)
    row.count += 1


class OutsideWrites:
    """Looks for transactions of other processes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = self._count()

    def look(self) -> None:
        """Announce every table as written if another process has written since the last look."""
        count = self._count()
        if count != self._seen:
            self._seen = count
            self._database.announce(frozenset(Base.metadata.tables))

    def _count(self) -> int:
        with self._database.reading() as session:
            return session.scalar(select(OutsideWrite.count).filter_by(id=_ONLY)) or 0
