"""CloudWatch Logs operations."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.logs import reading, streams
from reading_room.logs.errors import InvalidParameterException, InvalidToken
from reading_room.logs.filter_patterns import parse_filter_pattern
from reading_room.logs.room import LogRoom
from reading_room.logs.tables import LogGroup, LogStream

if TYPE_CHECKING:
    from mypy_boto3_logs import type_defs as t

Item = TypeVar("Item")
DESCRIBED = 50
"""Groups or streams that one Describe answers at most."""
_FROM_TAIL_SINCE = 1_704_067_200_000
"""2024-01-01: FilterLogEvents reads backwards only from a start time after it."""


def named_stream(call: Call) -> Sequence[str]:
    """Return the ARN that policies must allow: the group's streams, or the one stream that is named."""
    identifier = call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier") or ""
    group = streams.group_name_in(identifier)
    stream = call.parameters.get("logStreamName", "")
    return (f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}",)


def tagged_resource(call: Call) -> Sequence[str]:
    """Return the ARN that a call about tags names."""
    return (call.parameters["resourceArn"],)


def requested_tags(call: Call) -> Mapping[str, Sequence[str]]:
    """Return the condition keys of the tags that a new group gets."""
    tags: Mapping[str, str] = call.parameters.get("tags") or {}
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}, "aws:TagKeys": tuple(tags)}


class LogOperations:
    """Groups, streams and their events."""

    def __init__(self, database: Database, clock: Clock, room: LogRoom | None = None) -> None:
        """``room`` bounds what an account may store; by default nothing does."""
        self._room = room or LogRoom()
        self._database = database
        self._clock = clock

    def _now(self) -> int:
        return streams.milliseconds(self._clock())

    @operation("logs", "CreateLogGroup", resources=named_stream, context=requested_tags)
    def create_group(self, call: Call, request: t.CreateLogGroupRequestTypeDef) -> None:
        """CreateLogGroup."""
        for parameter in ("kmsKeyId", "deletionProtectionEnabled"):
            if call.parameters.get(parameter):
                raise InvalidParameterException(f"{parameter} is not supported")
        if request.get("logGroupClass", "STANDARD") != "STANDARD":
            raise InvalidParameterException("Only the log group class STANDARD is supported")
        with self._database.transaction() as session:
            streams.create_group(
                session, call.account, call.region, request["logGroupName"], self._now(), request.get("tags")
            )

    @operation("logs", "DeleteLogGroup", resources=named_stream)
    def delete_group(self, call: Call, request: t.DeleteLogGroupRequestTypeDef) -> None:
        """DeleteLogGroup."""
        with self._database.transaction() as session:
            streams.delete_group(session, call.account, request["logGroupName"])

    @operation("logs", "DescribeLogGroups", resources=named_stream)
    def describe_groups(self, call: Call, request: t.DescribeLogGroupsRequestTypeDef) -> Mapping[str, Any]:
        """DescribeLogGroups."""
        prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
        if prefix is not None and pattern is not None:
            raise InvalidParameterException(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
            )
        if request.get("accountIdentifiers") or request.get("includeLinkedAccounts"):
            raise InvalidParameterException("There are no linked accounts")
        wanted = [streams.group_name_in(name) for name in request.get("logGroupIdentifiers", [])]
        with self._database.reading() as session:
            found = [
                group
                for group in streams.groups(session, call.account)
                if group.name.startswith(prefix or "")
                and (pattern or "") in group.name
                and (not wanted or group.name in wanted)
                and request.get("logGroupClass", "STANDARD") == "STANDARD"
            ]
            shown, more = _page(found, call.parameters, lambda group: group.name)
            return {"logGroups": [_group_structure(session, group) for group in shown], **more}

    @operation("logs", "CreateLogStream", resources=named_stream)
    def create_stream(self, call: Call, request: t.CreateLogStreamRequestTypeDef) -> None:
        """CreateLogStream."""
        with self._database.transaction() as session:
            group = streams.get_group(session, call.account, request["logGroupName"])
            streams.create_stream(session, group, request["logStreamName"], self._now())

    @operation("logs", "DescribeLogStreams", resources=named_stream)
    def describe_streams(self, call: Call, request: t.DescribeLogStreamsRequestTypeDef) -> Mapping[str, Any]:
        """DescribeLogStreams."""
        prefix = request.get("logStreamNamePrefix")
        by_time = request.get("orderBy") == "LastEventTime"
        if by_time and prefix is not None:
            raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
        with self._database.reading() as session:
            group = _group(session, call)
            found = [stream for stream in streams.streams(session, group) if stream.name.startswith(prefix or "")]
            if by_time:
                found.sort(key=lambda stream: (stream.last_event_at or 0, stream.name))
            if request.get("descending"):
                found.reverse()
            shown, more = _page(found, call.parameters, lambda stream: stream.name)
            return {"logStreams": [_stream_structure(group, stream) for stream in shown], **more}

    @operation("logs", "PutLogEvents", resources=named_stream)
    def put_events(self, call: Call, request: t.PutLogEventsRequestTypeDef) -> Mapping[str, Any]:
        """PutLogEvents. Sequence tokens are accepted and not needed, as in AWS since 2023."""
        if "entity" in request:
            raise InvalidParameterException("entity is not supported")
        events = [streams.NewEvent(event["timestamp"], event["message"]) for event in request["logEvents"]]
        streams.check_batch(events)
        with self._database.transaction() as session:
            group = streams.get_group(session, call.account, request["logGroupName"])
            stream = streams.get_stream(session, group, request["logStreamName"])
            self._room.take(session, call.account, events)
            rejected = streams.put_events(session, stream, events, self._now())
        told: dict[str, Any] = {}
        if rejected.too_new_from is not None:
            told["tooNewLogEventStartIndex"] = rejected.too_new_from
        if rejected.too_old_until is not None:
            told["tooOldLogEventEndIndex"] = rejected.too_old_until
        return {"rejectedLogEventsInfo": told} if told else {}

    @operation("logs", "GetLogEvents", resources=named_stream)
    def get_events(self, call: Call, request: t.GetLogEventsRequestTypeDef) -> Mapping[str, Any]:
        """GetLogEvents."""
        with self._database.reading() as session:
            stream = streams.get_stream(session, _group(session, call), request["logStreamName"])
            page = reading.read_stream(
                session,
                stream,
                start=request.get("startTime"),
                end=request.get("endTime"),
                from_head=request.get("startFromHead", False),
                limit=request.get("limit", reading.PAGE_EVENTS),
                token=request.get("nextToken"),
            )
            return {
                "events": [
                    {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested_at}
                    for event in page.events
                ],
                "nextForwardToken": page.forward_token,
                "nextBackwardToken": page.backward_token,
            }

    @operation("logs", "FilterLogEvents", resources=named_stream)
    def filter_events(self, call: Call, request: t.FilterLogEventsRequestTypeDef) -> Mapping[str, Any]:
        """FilterLogEvents."""
        names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix")
        if names is not None and prefix is not None:
            raise InvalidParameterException("Either logStreamNames or logStreamNamePrefix, not both")
        from_head = call.parameters.get("startFromHead", True)
        if not from_head and request.get("startTime", 0) < _FROM_TAIL_SINCE:
            raise InvalidParameterException(
                "startFromHead false needs a startTime on or after Jan 1, 2024 00:00:00 UTC"
            )
        pattern = parse_filter_pattern(request.get("filterPattern", ""))
        with self._database.reading() as session:
            group = _group(session, call)
            if names is not None:
                chosen = [streams.get_stream(session, group, name) for name in dict.fromkeys(names)]
            else:
                everything = streams.streams(session, group)
                chosen = [stream for stream in everything if stream.name.startswith(prefix or "")]
            page = reading.filter_events(
                session,
                chosen,
                pattern,
                start=request.get("startTime"),
                end=request.get("endTime"),
                from_head=from_head,
                limit=request.get("limit", reading.PAGE_EVENTS),
                token=request.get("nextToken"),
            )
            answer: dict[str, Any] = {
                "events": [
                    {
                        "logStreamName": name,
                        "timestamp": event.timestamp,
                        "message": event.message,
                        "ingestionTime": event.ingested_at,
                        "eventId": reading.event_identifier(event),
                    }
                    for event, name in page.events
                ],
                "searchedLogStreams": [],
            }
            return answer if page.token is None else {**answer, "nextToken": page.token}

    @operation("logs", "ListTagsForResource", resources=tagged_resource)
    def list_tags(self, call: Call, request: t.ListTagsForResourceRequestTypeDef) -> Mapping[str, Any]:
        """ListTagsForResource, for log groups."""
        with self._database.reading() as session:
            group = streams.get_group(session, call.account, request["resourceArn"])
            return {"tags": json.loads(group.tags)}


def _group(session: Session, call: Call) -> LogGroup:
    name, identifier = call.parameters.get("logGroupName"), call.parameters.get("logGroupIdentifier")
    if (name is None) is (identifier is None):
        raise InvalidParameterException("Either logGroupName or logGroupIdentifier, and not both")
    return streams.get_group(session, call.account, name or identifier or "")


def _page(
    found: Sequence[Item], request: Mapping[str, Any], name_of: Callable[[Item], str]
) -> tuple[Sequence[Item], dict[str, str]]:
    """Return the items after the one that the token names, and the token of the next page."""
    start = 0
    if (token := request.get("nextToken")) is not None:
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()
        except (binascii.Error, UnicodeError):
            raise InvalidToken from None
        places = [number for number, item in enumerate(found, start=1) if name_of(item) == last]
        if not places:
            raise InvalidToken
        start = places[0]
    end = start + (request.get("limit") or DESCRIBED)
    shown = found[start:end]
    if end >= len(found):
        return shown, {}
    return shown, {"nextToken": base64.urlsafe_b64encode(name_of(shown[-1]).encode()).decode()}


def _group_structure(session: Session, group: LogGroup) -> dict[str, Any]:
    return {
        "logGroupName": group.name,
        "creationTime": group.created_at,
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": sum(stream.stored_bytes for stream in streams.streams(session, group)),
        "logGroupClass": "STANDARD",
    }


def _stream_structure(group: LogGroup, stream: LogStream) -> dict[str, Any]:
    structure: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created_at,
        "arn": f"{group.arn}:log-stream:{stream.name}",
        # AWS stopped telling a stream's size in 2019 and answers 0.
        "storedBytes": 0,
    }
    for member, value in (
        ("firstEventTimestamp", stream.first_event_at),
        ("lastEventTimestamp", stream.last_event_at),
        ("lastIngestionTime", stream.last_ingested_at),
    ):
        if value is not None:
            structure[member] = value
    return structure
