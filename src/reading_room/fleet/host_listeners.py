"""Where the ``serve`` processes of a database listen for hosts, each of which learns of all to find the next leader."""

from __future__ import annotations

from sqlalchemy import select

from reading_room.database.engine import Database
from reading_room.fleet import database_time, leases
from reading_room.fleet.tables import LeaseRow

SECONDS = 30
"""How long a process is listed after it was announced last."""
ANNOUNCE_SECONDS = 10.0
"""How often a process is announced."""
_PREFIX = "listener:"


class HostListeners:
    """The listeners of all processes, as one of them sees them. Thread-safe; it works with the database."""

    def __init__(self, database: Database, server: str, place: str) -> None:
        """``server`` names this process, which listens at ``place``, ``HOST:PORT``."""
        self._database = database
        self._server = server
        self._place = place

    def announce(self, seconds: int = SECONDS) -> None:
        """List this process for a while."""
        leases.take(self._database, f"{_PREFIX}{self._server}", self._server, seconds, url=self._place)

    def others(self) -> list[str]:
        """Return where the other processes listen."""
        with self._database.reading() as session:
            query = select(LeaseRow.url).where(
                LeaseRow.name.startswith(_PREFIX, autoescape=True),
                LeaseRow.expires_at > database_time.now(session),
                LeaseRow.url != self._place,
            )
            return list(session.scalars(query.order_by(LeaseRow.name)))
