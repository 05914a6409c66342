"""The targets of state events: the web hook, a log group in each account, and a bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reading_room.aws.call import Principal
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.principals import service_principal
from reading_room.logs import streams
from reading_room.logs.errors import NoRoomForLogs
from reading_room.logs.room import LogRoom
from reading_room.state_events.event import text_of
from reading_room.state_events.sender_socket import Post, Posted
from reading_room.state_events.tables import StateEventRow
from reading_room.state_events.targets import TargetName, Undelivered

SERVICE = "events.amazonaws.com"
"""The service principal that writes to the bucket."""


class PutObject(Protocol):
    """Writes an object as a principal that the bucket's policy must allow; raises ``AwsError`` if it does not."""

    def __call__(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Store ``data`` under ``key``, durably."""
        ...


class WebhookTarget:
    """Sends each event to the web hook, those of one resource in order."""

    name: TargetName = "webhook"
    at_once = 1
    settle = 0.0

    def __init__(self, send: Callable[[Post], Posted]) -> None:
        self._send = send

    def ordered_by(self, event: StateEventRow) -> str:
        """Return the resource."""
        return event.resource

    def deliver(self, events: Sequence[StateEventRow]) -> None:
        """Send events. Raises ``Undelivered``."""
        for event in events:
            posted = self._send(Post(event.event_id, text_of(event)))
            if posted.reason:
                raise Undelivered(posted.reason, away=posted.away)


class LogGroupTarget:
    """Writes each account's events to a log group in that account, with a stream for each kind of resource."""

    name: TargetName = "log-group"
    at_once = 500
    settle = 0.1

    def __init__(self, database: Database, group: str, clock: Clock, room: LogRoom | None = None) -> None:
        self._database = database
        self._group = group
        self._clock = clock
        self._room = room or LogRoom()

    def ordered_by(self, event: StateEventRow) -> str:
        """Return the account."""
        return event.account

    def deliver(self, events: Sequence[StateEventRow]) -> None:
        """Write events of one account. Raises ``Undelivered``."""
        lines: dict[tuple[str, str], list[streams.NewEvent]] = {}
        for event in events:
            line = streams.NewEvent(streams.milliseconds(event.at), text_of(event))
            lines.setdefault((event.region, f"{event.kind.lower().replace(' ', '-')}s"), []).append(line)
        account, now = events[0].account, streams.milliseconds(self._clock())
        try:
            with self._database.transaction() as session:
                for (region, stream), some in lines.items():
                    self._room.take(session, account, some)
                    streams.append(session, account, region, self._group, stream, some, now)
        except NoRoomForLogs as error:
            raise Undelivered(error.message) from error


class BucketTarget:
    """Writes the events of each account to objects of one bucket: lines of JSON below a prefix."""

    name: TargetName = "bucket"
    at_once = 500
    settle = 1.0

    def __init__(self, put_object: PutObject, bucket: str, prefix: str) -> None:
        """``prefix`` is empty, or ends as the keys below it should begin."""
        self._put_object = put_object
        self._bucket = bucket
        self._prefix = prefix

    def ordered_by(self, event: StateEventRow) -> str:
        """Return the account."""
        return event.account

    def deliver(self, events: Sequence[StateEventRow]) -> None:
        """Write an object, which replaces one that an interrupted delivery wrote. Raises ``Undelivered``."""
        first = events[0]
        key = f"{self._prefix}{first.account}/{first.at:%Y/%m/%d}/{first.sequence:020}-{first.event_id}.jsonl"
        lines = "".join(f"{text_of(event)}\n" for event in events)
        source = f"arn:aws:events:{first.region}:{first.account}:rule/reading-room"
        context = {"aws:SourceAccount": (first.account,), "aws:SourceArn": (source,)}
        try:
            self._put_object(
                self._bucket, key, lines.encode(), "application/jsonl", service_principal(SERVICE), context
            )
        except AwsError as error:
            raise Undelivered(f"{error.code}: {error.message}") from error
