"""Notification of the server about writes by other processes.

Commits of the server's own process invalidate its caches. A command that writes in another process, such as
``reading-room accounts``, counts its transactions in one row of the database. The server reads that row every second
and, if it has changed, assumes that every table was written. Reading it takes a quarter of a millisecond.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.database.base import Base
from reading_room.database.engine import Database
from reading_room.database.tables import OutsideWrite

LOOK_SECONDS = 1.0
"""How often the server checks, and so how long it may still accept what another process revoked."""
_ONLY = 1


def count_outside_write(session: Session) -> None:
    """Make the server notice a transaction of this process, if the transaction commits."""
    row = session.get(OutsideWrite, _ONLY)
    if row is None:
        row = OutsideWrite(id=_ONLY, count=0)
        session.add(row)
    row.count += 1


class OutsideWrites:
    """Detects transactions by other processes."""

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
