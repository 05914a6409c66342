"""Retention of log events: expired events are not returned, and are deleted by the loop of ``jobs.retention``."""

from __future__ import annotations

import logging

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.database.functions import ByteLength
from reading_room.logs.errors import InvalidParameterException
from reading_room.logs.streams import EVENT_OVERHEAD, milliseconds
from reading_room.logs.tables import LogEvent, LogGroup, LogStream

logger = logging.getLogger(__name__)

DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""The values that PutRetentionPolicy accepts (API reference)."""
EVENTS_AT_ONCE = 2_000
"""Events that one transaction deletes, since other writers wait for it."""
EVENTS_PER_TURN = 100_000
_DAY = 86_400_000


def set_days(group: LogGroup, days: int) -> None:
    """Set a group's retention in days. Raises ``InvalidParameterException``."""
    if days not in DAYS:
        raise InvalidParameterException(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(map(str, DAYS))}]"
        )
    group.retention_days = days


def days_of(group: LogGroup, default: int) -> int:
    """Return how many days a group keeps its events, 0 for ever; ``default`` is for groups without a policy."""
    return default if group.retention_days is None else group.retention_days


def oldest_kept(group: LogGroup, now: int, default: int) -> int:
    """Return the time from which a group's events are kept, in milliseconds since 1970, or 0 for all events.

    ``default`` are the days of groups without a policy, 0 for ever.
    """
    days = days_of(group, default)
    return now - days * _DAY if days else 0


class LogRetention:
    """Deletes expired events."""

    def __init__(
        self, database: Database, clock: Clock, days: int, at_once: int = EVENTS_AT_ONCE, most: int = EVENTS_PER_TURN
    ) -> None:
        """``days`` are those of groups without a policy. A transaction deletes ``at_once`` events, a turn ``most``."""
        self._days = days
        self._at_once = at_once
        self._most = most
        self._database = database
        self._clock = clock

    def turn(self) -> bool:
        """Delete expired events. Return whether some may be left."""
        now = milliseconds(self._clock())
        with self._database.reading() as session:
            groups = session.scalars(
                select(LogGroup) if self._days else select(LogGroup).where(LogGroup.retention_days.is_not(None))
            ).all()
            expired = [
                (stream_id, oldest)
                for group in groups
                if (oldest := oldest_kept(group, now, self._days))
                for stream_id in session.scalars(
                    select(LogStream.stream_id)
                    .where(LogStream.group_id == group.group_id, LogStream.first_event_at < oldest)
                    .limit(self._most)
                )
            ]
        deleted = 0
        for stream_id, oldest in expired:
            while deleted < self._most:
                with self._database.transaction() as session:
                    count = _delete(session, stream_id, oldest, self._at_once)
                deleted += count
                if count < self._at_once:
                    break
        if deleted:
            logger.info("%d log events were deleted, because their retention time has passed", deleted)
        return deleted >= self._most


def _delete(session: Session, stream_id: int, oldest: int, most: int) -> int:
    """Delete up to ``most`` expired events of a stream; return how many. Updates the stream's bounds and size."""
    stream = session.get(LogStream, stream_id)
    if stream is None:
        return 0
    size = ByteLength(LogEvent.message) + EVENT_OVERHEAD
    found = session.execute(
        select(LogEvent.event_id, size)
        .where(LogEvent.stream_id == stream_id, LogEvent.timestamp < oldest)
        .order_by(LogEvent.timestamp, LogEvent.event_id)
        .limit(most)
    ).all()
    if found:
        session.execute(delete(LogEvent).where(LogEvent.event_id.in_([event_id for event_id, _ in found])))
    first = select(func.min(LogEvent.timestamp)).where(LogEvent.stream_id == stream_id)
    stream.first_event_at = session.scalar(first)
    if stream.first_event_at is None:
        stream.last_event_at = None
    stream.stored_bytes -= sum(bytes_of for _, bytes_of in found)
    return len(found)
