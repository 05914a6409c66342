"""Where the ``serve`` processes of a database listen for hosts, each of which learns of all to find the next leader.

Each also tells whether it is beside an agent: the first host has a server only while the ``serve`` beside it leads.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from sqlalchemy import Select, select

from reading_room.database.engine import Database
from reading_room.fleet import database_time, leases
from reading_room.fleet.tables import LeaseRow

SECONDS = 30
"""How long a process is listed after it was announced last."""
ANNOUNCE_SECONDS = 10.0
"""How often a process is announced."""
_PREFIX = "listener:"
_AGENT = "agent"


class HostListeners:
    """The listeners of all processes, as one of them sees them. Thread-safe; it works with the database."""

    def __init__(self, database: Database, server: str, place: str, agent: Callable[[], bool] = lambda: True) -> None:
        """``server`` names this process, which listens at ``place``, ``HOST:PORT``.

        ``agent`` returns whether there is an agent beside it.
        """
        self._database = database
        self._server = server
        self._place = place
        self._agent = agent
        self._lacked = False
        """Whether there was no agent when ``other_should_lead`` was called last."""
        self._before: Mapping[str, int] | None = None
        """How often each process had been announced when this one began to lead; ``None`` while it does not."""

    def announce(self, seconds: int = SECONDS) -> None:
        """List this process for a while."""
        name, facts = f"{_PREFIX}{self._server}", {_AGENT: self._agent()}
        leases.take(self._database, name, self._server, seconds, url=self._place, facts=facts)

    def others(self) -> list[str]:
        """Return where the other processes listen."""
        with self._database.reading() as session:
            now = database_time.now(session)
            return [row.url for row in session.scalars(self._listed(now)) if row.url != self._place]

    def other_should_lead(self, *, leads: bool) -> bool:
        """Return whether another process should lead: it has an agent, and this leader has had none for a while.

        Call it as often as ``announce``, and when this process begins to lead. One that was announced before that may
        have ended, so it must have been announced again.
        """
        lacked, self._lacked = self._lacked, not self._agent()
        with self._database.reading() as session:
            rows = list(session.scalars(self._listed(database_time.now(session)))) if leads else []
        before = self._before
        if not leads or before is None:
            self._before = {row.name: row.fence for row in rows} if leads else None
            return False
        if not (lacked and self._lacked):
            return False  # An agent is away for a moment while it is restarted.
        return any(row.facts.get(_AGENT) and row.fence > before.get(row.name, 0) for row in rows)

    def _listed(self, now: dt.datetime) -> Select[LeaseRow]:
        """Return the query for the other processes."""
        return (
            select(LeaseRow)
            .where(
                LeaseRow.name.startswith(_PREFIX, autoescape=True),
                LeaseRow.expires_at > now,
                LeaseRow.holder != self._server,
            )
            .order_by(LeaseRow.name)
        )
