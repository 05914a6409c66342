"""Log groups, streams and the events put into them: the rules, as functions on a session."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.logs.errors import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
    SystemTagKey,
)
from reading_room.logs.tables import LogEvent, LogGroup, LogStream

EVENT_OVERHEAD = 26
"""Bytes that an event counts in addition to its message (PutLogEvents, "The maximum batch size")."""
BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
_HOUR = 3_600_000
OLDEST_MILLISECONDS = 14 * 24 * _HOUR
NEWEST_MILLISECONDS = 2 * _HOUR


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to store: milliseconds since 1970, and its text."""

    timestamp: int
    message: str

    @property
    def size(self) -> int:
        """The event's size in a batch, in bytes."""
        return len(self.message.encode()) + EVENT_OVERHEAD


@dataclass(frozen=True, slots=True)
class Rejected:
    """The rejected events of a batch: indexes as in PutLogEvents' response, or ``None`` if there are none."""

    too_new_from: int | None = None
    too_old_until: int | None = None
    expired_until: int | None = None


def milliseconds(moment: dt.datetime) -> int:
    """Return a time in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def create_group(
    session: Session, account: str, region: str, name: str, now: int, tags: Mapping[str, str] | None = None
) -> LogGroup:
    """Create a log group. Raises ``ResourceAlreadyExistsException`` and ``SystemTagKey``."""
    if any(key.lower().startswith("aws:") for key in tags or ()):
        raise SystemTagKey
    if session.scalar(select(LogGroup).filter_by(account=account, name=name)) is not None:
        raise ResourceAlreadyExistsException("group")
    group = LogGroup(account=account, region=region, name=name, created_at=now, tags=json.dumps(dict(tags or {})))
    session.add(group)
    session.flush()
    return group


def get_group(session: Session, account: str, identifier: str) -> LogGroup:
    """Return a log group by its name or ARN. Raises ``ResourceNotFoundException``."""
    name = group_name_in(identifier)
    group = session.scalar(select(LogGroup).filter_by(account=account, name=name))
    if group is None or (identifier.startswith("arn:") and identifier.removesuffix(":*") != group.arn):
        raise ResourceNotFoundException("group")
    return group


def group_name_in(identifier: str) -> str:
    """Return the name of a group given by name or by ARN, with or without ``:*`` at its end.

    Raises ``InvalidParameterException`` for another ARN.
    """
    if not identifier.startswith("arn:"):
        return identifier
    try:
        arn = Arn.parse(identifier)
    except ValueError:
        raise InvalidParameterException(f"{identifier} is not a valid log group ARN") from None
    if arn.service != "logs" or not arn.resource.startswith("log-group:"):
        raise InvalidParameterException(f"{identifier} is not a valid log group ARN")
    return arn.resource.removeprefix("log-group:").removesuffix(":*")


def stored_tags(session: Session, arn: str) -> dict[str, str]:
    """Return the tags of the group in the ARN of a group or stream; empty if it does not exist."""
    *_, account, resource = arn.split(":", 5)
    name = resource.removeprefix("log-group:").partition(":")[0]
    found = session.scalar(select(LogGroup.tags).filter_by(account=account, name=name))
    return {} if found is None else dict(json.loads(found))


def delete_group(session: Session, account: str, name: str) -> None:
    """Delete a log group with its streams and events. Raises ``ResourceNotFoundException``."""
    session.delete(get_group(session, account, name))


def groups(session: Session, account: str) -> Sequence[LogGroup]:
    """Return an account's groups, sorted by name."""
    return session.scalars(select(LogGroup).filter_by(account=account).order_by(LogGroup.name)).all()


def create_stream(session: Session, group: LogGroup, name: str, now: int) -> LogStream:
    """Create a log stream. Raises ``ResourceAlreadyExistsException``."""
    if session.scalar(select(LogStream).filter_by(group_id=group.group_id, name=name)) is not None:
        raise ResourceAlreadyExistsException("stream")
    stream = LogStream(group_id=group.group_id, name=name, created_at=now, stored_bytes=0)
    session.add(stream)
    session.flush()
    return stream


def get_stream(session: Session, group: LogGroup, name: str) -> LogStream:
    """Return a log stream. Raises ``ResourceNotFoundException``."""
    stream = session.scalar(select(LogStream).filter_by(group_id=group.group_id, name=name))
    if stream is None:
        raise ResourceNotFoundException("stream")
    return stream


def streams(session: Session, group: LogGroup) -> Sequence[LogStream]:
    """Return a group's streams, sorted by name."""
    return session.scalars(select(LogStream).filter_by(group_id=group.group_id).order_by(LogStream.name)).all()


def size_of(session: Session, account: str, group_name: str, name: str) -> tuple[int, int]:
    """Return the number of a stream's events and their bytes; 0 and 0 if there is no such stream."""
    stream = _named(session, account, group_name, name)
    if stream is None:
        return 0, 0
    return session.scalar(select(func.count()).where(LogEvent.stream_id == stream.stream_id)) or 0, stream.stored_bytes


def delete_stream(session: Session, account: str, group_name: str, name: str) -> None:
    """Delete a stream with its events. A missing one is no error."""
    stream = _named(session, account, group_name, name)
    if stream is not None:
        session.delete(stream)


def _named(session: Session, account: str, group_name: str, name: str) -> LogStream | None:
    of_group = select(LogStream).join(LogGroup).where(LogGroup.account == account, LogGroup.name == group_name)
    return session.scalar(of_group.where(LogStream.name == name))


def check_batch(events: Sequence[NewEvent]) -> None:
    """Raise ``InvalidParameterException`` unless the events are valid as one PutLogEvents batch."""
    if any(later.timestamp < earlier.timestamp for earlier, later in pairwise(events)):
        raise InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
    if events and events[-1].timestamp - events[0].timestamp > 24 * _HOUR:
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    if len(events) > BATCH_EVENTS or sum(event.size for event in events) > BATCH_BYTES:
        raise InvalidParameterException(
            f"Upload too large: the maximum batch is {BATCH_BYTES} bytes and {BATCH_EVENTS} events"
        )


def put_events(session: Session, stream: LogStream, events: Sequence[NewEvent], now: int, oldest: int = 0) -> Rejected:
    """Store a batch. Events that are too old (14 days) or too new (2 hours) are rejected.

    So are expired ones, which are those before ``oldest``.
    """
    kept: list[NewEvent] = []
    too_old, too_new, expired = None, None, None
    for index, event in enumerate(events):
        if event.timestamp < now - OLDEST_MILLISECONDS:
            too_old = index + 1
        elif event.timestamp < oldest:
            expired = index + 1
        elif event.timestamp > now + NEWEST_MILLISECONDS:
            too_new = index if too_new is None else too_new
        else:
            kept.append(event)
    if kept:
        session.execute(
            insert(LogEvent),
            [
                {
                    "stream_id": stream.stream_id,
                    "timestamp": event.timestamp,
                    "ingested_at": now,
                    "message": event.message,
                }
                for event in kept
            ],
        )
        first, last = min(e.timestamp for e in kept), max(e.timestamp for e in kept)
        stream.first_event_at = min(first, stream.first_event_at if stream.first_event_at is not None else first)
        stream.last_event_at = max(last, stream.last_event_at if stream.last_event_at is not None else last)
        stream.last_ingested_at = now
        stream.stored_bytes += sum(event.size for event in kept)
    return Rejected(too_new, too_old, expired)


def append(
    session: Session,
    account: str,
    region: str,
    group_name: str,
    stream_name: str,
    events: Sequence[NewEvent],
    now: int,
) -> Rejected:
    """Store events of the service itself; a missing group or stream is created.

    None is rejected. The time of an event that PutLogEvents would reject, as after the clock was set, becomes the
    nearest one that it would store.
    """
    first, last = now - OLDEST_MILLISECONDS, now + NEWEST_MILLISECONDS
    events = [
        event if first <= event.timestamp <= last else replace(event, timestamp=min(max(event.timestamp, first), last))
        for event in events
    ]
    group = session.scalar(select(LogGroup).filter_by(account=account, name=group_name))
    group = group or create_group(session, account, region, group_name, now)
    stream = session.scalar(select(LogStream).filter_by(group_id=group.group_id, name=stream_name))
    stream = stream or create_stream(session, group, stream_name, now)
    return put_events(session, stream, events, now)
