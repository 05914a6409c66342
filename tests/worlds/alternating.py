"""Two ``serve`` processes of one database in one test, which get the requests in turn, as behind a load balancer."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence

from reading_room.aws.receive import AsgiApplication, Receive, Scope, Send
from reading_room.database.engine import Database

PROCESSES = int(os.environ.get("READING_ROOM_TEST_PROCESSES", "1"))
"""How many processes the worlds have that do not say it themselves."""


def alternating(apps: Sequence[AsgiApplication]) -> AsgiApplication:
    """Return an application that passes each request to the next one of ``apps``."""
    turns = itertools.cycle(apps)
    if len(apps) == 1:
        return apps[0]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await next(turns)(scope, receive, send)

    return app


def as_others(database: Database, opened: Callable[[], Database], processes: int = PROCESSES) -> list[Database]:
    """Return the database and, for each further process, the same one ``opened`` again.

    Each hears at once what the others have written. PostgreSQL's notifications take some milliseconds, in which a
    process may still decide by a policy that another one has just replaced, as at AWS.
    """
    found = [database, *(opened() for _ in range(processes - 1))]
    for each in found:
        for other in found:
            if other is not each:
                each.on_commit(_told(other))
    return found


_telling = threading.local()


def _told(other: Database) -> Callable[[frozenset[str]], None]:
    def tell(tables: frozenset[str]) -> None:
        # What it hears, it would tell again.
        if not getattr(_telling, "now", False):
            _telling.now = True
            try:
                other.announce(tables)
            finally:
                _telling.now = False

    return tell
