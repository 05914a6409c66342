"""Pages of events, from one stream, or from the streams of a group with a filter.

Events are ordered by timestamp, and by ingestion for equal timestamps. A token is a position between two events, so
events that are added later neither repeat nor hide others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from reading_room.logs.errors import InvalidToken
from reading_room.logs.filter_patterns import FilterPattern
from reading_room.logs.streams import EVENT_OVERHEAD
from reading_room.logs.tables import LogEvent, LogStream

PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
SCANNED_EVENTS = 50_000
"""Events that one FilterLogEvents scans before it returns the matches so far and a token."""

_STREAM_TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")
_FILTER_TOKEN = re.compile(r"([fb])\.(\d{20})(\d{36})")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in the order of events: that of the event with this timestamp and id."""

    timestamp: int
    event_id: int

    def __str__(self) -> str:
        return f"{self.timestamp:020d}{self.event_id:036d}"


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Events of one stream, oldest first, and the tokens of the next and previous pages."""

    events: Sequence[LogEvent]
    forward_token: str
    backward_token: str


@dataclass(frozen=True, slots=True)
class FilteredPage:
    """Events of several streams in the requested order, each with its stream's name; no token at the end."""

    events: Sequence[tuple[LogEvent, str]]
    token: str | None


def read_stream(
    session: Session,
    stream: LogStream,
    *,
    start: int | None = None,
    end: int | None = None,
    from_head: bool = False,
    limit: int = PAGE_EVENTS,
    token: str | None = None,
) -> StreamPage:
    """Return one page of a stream: events from ``start`` (included) to ``end`` (excluded), in milliseconds.

    Without a token, this is the oldest page (``from_head``) or the newest. At either end of the stream, the page
    returns the same token again. Raises ``InvalidToken``.
    """
    query = _within(select(LogEvent).where(LogEvent.stream_id == stream.stream_id), start, end, end_included=False)
    place: Place | None = None
    forward = from_head
    if token is not None:
        direction, place = _parse(_STREAM_TOKEN, token)
        forward = direction == "f"
    events = _page(session, query, place, forward, limit)
    if not forward:
        events.reverse()
    if events:
        first, last = _place_of(events[0]), _place_of(events[-1])
        return StreamPage(events, f"f/{last}/s", f"b/{first}/s")
    here = place or Place(start or 0, 0)
    if forward:
        # The position is just after an event, which is therefore the first one before it.
        return StreamPage([], f"f/{here}/s", f"b/{Place(here.timestamp, here.event_id + 1)}/s")
    return StreamPage([], f"f/{Place(here.timestamp, max(0, here.event_id - 1))}/s", f"b/{here}/s")


def filter_events(
    session: Session,
    streams: Sequence[LogStream],
    pattern: FilterPattern,
    *,
    start: int | None = None,
    end: int | None = None,
    from_head: bool = True,
    limit: int = PAGE_EVENTS,
    token: str | None = None,
) -> FilteredPage:
    """Return matching events of the streams, from ``start`` to ``end`` (both included).

    At most ``SCANNED_EVENTS`` are scanned, so a page may be empty and still have a token. Raises ``InvalidToken``.
    """
    names = {stream.stream_id: stream.name for stream in streams}
    query = _within(select(LogEvent).where(LogEvent.stream_id.in_(names)), start, end, end_included=True)
    place: Place | None = None
    forward = from_head
    if token is not None:
        direction, place = _parse(_FILTER_TOKEN, token)
        forward = direction == "f"
    found: list[tuple[LogEvent, str]] = []
    scanned, size = 0, 0
    while scanned < SCANNED_EVENTS:
        rows = _page(session, query, place, forward, min(PAGE_EVENTS, SCANNED_EVENTS - scanned), PAGE_BYTES * 4)
        for row in rows:
            scanned += 1
            if pattern.matches(row.message):
                cost = len(row.message.encode()) + EVENT_OVERHEAD
                if found and (len(found) >= limit or size + cost > PAGE_BYTES):
                    return FilteredPage(found, _filter_token(forward, place))
                found.append((row, names[row.stream_id]))
                size += cost
            place = _place_of(row)
        if not rows:
            return FilteredPage(found, None)
    return FilteredPage(found, _filter_token(forward, place))


def _filter_token(forward: bool, place: Place | None) -> str:
    return f"{'f' if forward else 'b'}.{place or Place(0, 0)}"


def _within(query: Select[Any], start: int | None, end: int | None, *, end_included: bool) -> Select[Any]:
    if start is not None:
        query = query.where(LogEvent.timestamp >= start)
    if end is not None:
        query = query.where(LogEvent.timestamp <= end if end_included else LogEvent.timestamp < end)
    return query


def _page(
    session: Session,
    query: Select[Any],
    place: Place | None,
    forward: bool,
    limit: int,
    most_bytes: int = PAGE_BYTES,
) -> list[LogEvent]:
    key = tuple_(LogEvent.timestamp, LogEvent.event_id)
    if place is not None:
        at = tuple_(place.timestamp, place.event_id)
        query = query.where(key > at if forward else key < at)
    order = (
        (LogEvent.timestamp, LogEvent.event_id) if forward else (LogEvent.timestamp.desc(), LogEvent.event_id.desc())
    )
    events: list[LogEvent] = []
    size = 0
    for event in session.scalars(query.order_by(*order).limit(min(limit, PAGE_EVENTS))):
        size += len(event.message.encode()) + EVENT_OVERHEAD
        if events and size > most_bytes:
            break
        events.append(event)
    return events


def _place_of(event: LogEvent) -> Place:
    return Place(event.timestamp, event.event_id)


def _parse(form: re.Pattern[str], token: str) -> tuple[str, Place]:
    match = form.fullmatch(token)
    # SQLite's integers are below 2^63, so a token with a larger number was never issued.
    if match is None or max(int(match[2]), int(match[3])) >= 1 << 63:
        raise InvalidToken
    return match[1], Place(int(match[2]), int(match[3]))


def event_identifier(event: LogEvent) -> str:
    """Return the ``eventId`` of FilterLogEvents, which is unique and sorts in the order of events."""
    return str(_place_of(event))
