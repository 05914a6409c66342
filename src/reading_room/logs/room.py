"""The limit on the bytes of log events per account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.database.disk import Floor
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.streams import NewEvent
from reading_room.logs.tables import LogGroup, LogStream

LEAST_REST = 1.0
_RESTS = 20
"""Two counts of an account are at least a second, and twenty times the duration of the first, apart."""


def stored_bytes(session: Session, account: str) -> int:
    """Return the bytes of an account's events, as recorded in its streams."""
    query = select(func.sum(LogStream.stored_bytes)).join(LogGroup).where(LogGroup.account == account)
    return int(session.scalar(query) or 0)


def logs_by_account(session: Session) -> dict[str, int]:
    """Return the bytes of each account's events."""
    query = select(LogGroup.account, func.sum(LogStream.stored_bytes)).join(LogStream).group_by(LogGroup.account)
    return {account: int(size) for account, size in session.execute(query)}


class LogRoom:
    """The room for log events. Deletions are noticed by counting again once there is no room. Thread-safe."""

    def __init__(
        self, per_account: int = 0, floor: Floor | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``per_account`` is in bytes, 0 for no limit; ``floor`` is the disk space to keep free."""
        self._limit = per_account
        self._floor = floor
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._next_count: dict[str, float] = {}

    def take(self, session: Session, account: str, events: Sequence[NewEvent]) -> None:
        """Reserve room for a batch of events in the transaction that stores them. Raises ``NoRoomForLogs``."""
        if self._floor is not None and self._floor.reached:
            raise NoRoomForLogs.on_disk(self._floor.least)
        if not self._limit:
            return
        size = sum(event.size for event in events)
        with self._lock:
            held, now = self._held.get(account), self._clock()
            if held is None or (held + size > self._limit and now >= self._next_count[account]):
                held = stored_bytes(session, account)
                ended = self._clock()
                self._next_count[account] = ended + max(LEAST_REST, _RESTS * (ended - now))
            self._held[account] = held
            if held + size > self._limit:
                raise NoRoomForLogs.of_account(self._limit)
            self._held[account] += size
