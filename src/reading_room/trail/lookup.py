"""Lookup of the management events of one account within 90 days, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.trail.chain import backwards, event_in, files_of
from reading_room.trail.errors import InvalidNextToken
from reading_room.trail.identities import user_name
from reading_room.trail.subjects import subjects

PERIOD = dt.timedelta(days=90)
PAGE = 50
SCANNED = 16 << 20
"""The most bytes of the trail that one call scans; it returns the events found so far, and a token to continue."""
_DISORDER = dt.timedelta(days=1)
"""How much older a line may be than an earlier line, if the clock was set back."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query. ``key`` is an ``AttributeKey`` of the API, or ``None`` for every event."""

    account: str
    start: dt.datetime
    end: dt.datetime
    key: str | None = None
    value: str = ""
    fingerprint: str = ""
    """Part of this query's tokens, so that they are invalid for any other query."""

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event matches the attribute."""
        if event.get("recipientAccountId") != self.account or not self.start <= moment_of(event) <= self.end:
            return False
        match self.key:
            case None:
                return True
            case "EventId":
                return bool(event.get("eventID") == self.value)
            case "EventName":
                return bool(event.get("eventName") == self.value)
            case "EventSource":
                return bool(event.get("eventSource") == self.value)
            case "ReadOnly":
                return event.get("readOnly") is (self.value == "true")
            case "Username":
                return user_name(event["userIdentity"]) == self.value
            case "AccessKeyId":
                return bool(event["userIdentity"].get("accessKeyId") == self.value)
            case "ResourceType" | "ResourceName":
                return any(each[self.key] == self.value for each in subjects(event))
        raise ValueError(self.key)

    @property
    def hint(self) -> bytes | None:
        """Bytes that occur in every matching line, or ``None``; lines without them need no parsing."""
        if self.key in (None, "ReadOnly", "ResourceType"):
            return None
        return json.dumps(self.value)[1:-1].encode()


def moment_of(event: Mapping[str, Any]) -> dt.datetime:
    """Return the time at which an event's call ended."""
    return dt.datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)


def look_up(
    folder: Path, query: Query, most: int = PAGE, token: str | None = None, most_scanned: int = SCANNED
) -> tuple[list[dict[str, Any]], str | None]:
    """Return up to ``most`` events, newest first, and a token if there may be more.

    Raises ``InvalidNextToken``.
    """
    place = _place(query, token) if token is not None else None
    recipient = b'"recipientAccountId":"%b"' % query.account.encode()
    hint = query.hint
    found: list[dict[str, Any]] = []
    scanned = 0
    for day, offset, line in _lines(folder, query, place):
        scanned += len(line)
        if recipient in line and (hint is None or hint in line):
            event = event_in(line)
            if event is not None and moment_of(event) < query.start - _DISORDER:
                break
            if event is not None and query.matches(event):
                found.append(event)
        if len(found) == most or scanned > most_scanned:
            return found, _token(query, day, offset)
    return found, None


def _lines(folder: Path, query: Query, place: tuple[dt.date, int] | None) -> Iterator[tuple[dt.date, int, bytes]]:
    first = query.start.date() - dt.timedelta(days=1)
    last = query.end.date() + dt.timedelta(days=1)
    for day, path in reversed(files_of(folder, "management")):
        if not first <= day <= last or (place is not None and day > place[0]):
            continue
        end = place[1] if place is not None and day == place[0] else None
        for offset, line in backwards(path, end):
            yield day, offset, line


def _token(query: Query, day: dt.date, offset: int) -> str:
    encoded = json.dumps([query.fingerprint, day.isoformat(), offset])
    return base64.urlsafe_b64encode(encoded.encode()).decode()


def _place(query: Query, token: str) -> tuple[dt.date, int]:
    try:
        digest, day, offset = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        place = dt.date.fromisoformat(day), int(offset)
    except (binascii.Error, OverflowError, RecursionError, TypeError, ValueError):
        raise InvalidNextToken from None
    if digest != query.fingerprint or place[1] < 0:
        raise InvalidNextToken
    return place
