"""The state events of an account, or for the operator of all accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.extension.operator import check_operator
from reading_room.settings import Settings
from reading_room.state_events import listing
from reading_room.state_events.event import text_of
from reading_room.state_events.tables import StateEventRow

MOST = 100
"""Events per response by default."""


class StateEventOperations:
    """Lists events. A caller without news costs no query, so that it may ask every second."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._commits = 0
        self._newest: tuple[int, int] | None = None
        """The number of the newest event, after this many commits that wrote events."""
        database.on_commit(self._written)

    @operation("reading-room", "ListStateEvents")
    def list_state_events(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListStateEvents."""
        account = request.get("AccountId", call.account)
        if account != call.account:
            check_operator(call, self._settings)
        token, most = int(request.get("NextToken", "0")), request.get("MaxResults", MOST)
        commits, known = self._commits, self._newest
        if known is not None and known[0] == commits and token >= known[1]:
            return {"Events": [], "NextToken": str(known[1])}
        # On PostgreSQL, an event with a lower number than one that can be seen may be committed later. No other
        # transaction writes beside this block, so here there is none.
        with self._database.transaction() if self._database.shared else self._database.reading() as session:
            newest = listing.newest(session)
            events = listing.after(
                session,
                token,
                most,
                account=None if account == "all" else account,
                resource=request.get("Resource"),
            )
        self._newest = commits, newest
        # What was passed over for other accounts or resources needs not be read again.
        reached = events[-1].sequence if len(events) == most else newest
        return {"Events": [{"Event": text_of(event)} for event in events], "NextToken": str(reached)}

    def _written(self, tables: frozenset[str]) -> None:
        if StateEventRow.__tablename__ in tables:
            self._commits += 1
