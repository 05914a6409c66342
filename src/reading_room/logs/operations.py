"""CloudWatch Logs operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.logs import reading, retention, streams
from reading_room.logs.addressing import named_stream, requested_tags, tagged_resource
from reading_room.logs.errors import InvalidParameterException, NameAndIdentifier
from reading_room.logs.filter_patterns import parse_filter_pattern
from reading_room.logs.pages import page
from reading_room.logs.room import LogRoom
from reading_room.logs.tables import LogGroup, LogStream

if TYPE_CHECKING:
    from mypy_boto3_logs import type_defs as t

_FROM_TAIL_SINCE = 1_704_067_200_000
"""2024-01-01: FilterLogEvents reads backwards only with a start time on or after it."""


class LogOperations:
    """Groups, streams and their events."""

    def __init__(self, database: Database, clock: Clock, room: LogRoom | None = None, days: int = 0) -> None:
        """``room`` limits what an account can store; by default there is no limit.

        ``days`` is how long groups without a retention policy keep events, 0 for ever.
        """
        self._days = days
        self._room = room or LogRoom()
        self._database = database
        self._clock = clock

    def _now(self) -> int:
        return streams.milliseconds(self._clock())

    def _start(self, group: LogGroup, requested: int | None) -> int | None:
        """Return the time from which a group's events are read, excluding expired ones even before they are deleted."""
        oldest = retention.oldest_kept(group, self._now(), self._days)
        return max(requested or 0, oldest) if oldest else requested

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

    @operation("logs", "PutRetentionPolicy", resources=named_stream)
    def put_retention(self, call: Call, request: t.PutRetentionPolicyRequestTypeDef) -> None:
        """PutRetentionPolicy: expired events are no longer returned, and are soon deleted."""
        with self._database.transaction() as session:
            group = streams.get_group(session, call.account, request["logGroupName"])
            retention.set_days(group, request["retentionInDays"])

    @operation("logs", "DeleteRetentionPolicy", resources=named_stream)
    def delete_retention(self, call: Call, request: t.DeleteRetentionPolicyRequestTypeDef) -> None:
        """DeleteRetentionPolicy: events are kept as long as those of any group without a policy."""
        with self._database.transaction() as session:
            streams.get_group(session, call.account, request["logGroupName"]).retention_days = None

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
        wanted = request.get("logGroupIdentifiers", [])
        with self._database.reading() as session:
            found = [
                group
                for group in streams.groups(session, call.account)
                if group.name.startswith(prefix or "")
                and (pattern or "") in group.name
                and (not wanted or group.name in wanted or group.arn in wanted)
                and request.get("logGroupClass", "STANDARD") == "STANDARD"
            ]
            shown, more = page(found, call.parameters, lambda group: group.name)
            structures = [_group_structure(session, group, self._days) for group in shown]
            if pattern is not None:
                # AWS returns fewer members for a search by pattern.
                structures = [{name: each[name] for name in each if name not in _NOT_BY_PATTERN} for each in structures]
            return {"logGroups": structures, **more}

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
            shown, more = page(found, call.parameters, lambda stream: stream.name)
            return {"logStreams": [_stream_structure(group, stream) for stream in shown], **more}

    @operation("logs", "PutLogEvents", resources=named_stream)
    def put_events(self, call: Call, request: t.PutLogEventsRequestTypeDef) -> Mapping[str, Any]:
        """PutLogEvents. Sequence tokens are accepted but not required, as in AWS since 2023."""
        if "entity" in request:
            raise InvalidParameterException("entity is not supported")
        events = [streams.NewEvent(event["timestamp"], event["message"]) for event in request["logEvents"]]
        streams.check_batch(events)
        with self._database.transaction() as session:
            group = streams.get_group(session, call.account, request["logGroupName"])
            stream = streams.get_stream(session, group, request["logStreamName"])
            stream_id = stream.stream_id
            self._room.take(session, call.account, events)
            now = self._now()
            rejected = streams.put_events(session, stream, events, now, retention.oldest_kept(group, now, self._days))
        info: dict[str, Any] = {}
        if rejected.too_new_from is not None:
            info["tooNewLogEventStartIndex"] = rejected.too_new_from
        if rejected.too_old_until is not None:
            info["tooOldLogEventEndIndex"] = rejected.too_old_until
        if rejected.expired_until is not None:
            info["expiredLogEventEndIndex"] = rejected.expired_until
        # AWS still returns a token, although it is no longer required.
        answer: dict[str, Any] = {"nextSequenceToken": f"49{now:027}{stream_id:027}"}
        return {**answer, "rejectedLogEventsInfo": info} if info else answer

    @operation("logs", "GetLogEvents", resources=named_stream)
    def get_events(self, call: Call, request: t.GetLogEventsRequestTypeDef) -> Mapping[str, Any]:
        """GetLogEvents."""
        with self._database.reading() as session:
            group = _group(session, call)
            stream = streams.get_stream(session, group, request["logStreamName"])
            part = reading.read_stream(
                session,
                stream,
                start=self._start(group, request.get("startTime")),
                end=request.get("endTime"),
                from_head=request.get("startFromHead", False),
                limit=request.get("limit", reading.PAGE_EVENTS),
                token=request.get("nextToken"),
            )
            return {
                "events": [
                    {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested_at}
                    for event in part.events
                ],
                "nextForwardToken": part.forward_token,
                "nextBackwardToken": part.backward_token,
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
            part = reading.filter_events(
                session,
                chosen,
                pattern,
                start=self._start(group, request.get("startTime")),
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
                    for event, name in part.events
                ],
                "searchedLogStreams": [],
            }
            return answer if part.token is None else {**answer, "nextToken": part.token}

    @operation("logs", "ListTagsForResource", resources=tagged_resource)
    def list_tags(self, call: Call, request: t.ListTagsForResourceRequestTypeDef) -> Mapping[str, Any]:
        """ListTagsForResource for log groups."""
        with self._database.reading() as session:
            group = streams.get_group(session, call.account, request["resourceArn"])
            return {"tags": json.loads(group.tags)}


def _group(session: Session, call: Call) -> LogGroup:
    name, identifier = call.parameters.get("logGroupName"), call.parameters.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise NameAndIdentifier
    if name is None and identifier is None:
        raise InvalidParameterException("Either logGroupName or logGroupIdentifier must be given.")
    return streams.get_group(session, call.account, name or identifier or "")


_NOT_BY_PATTERN = ("storedBytes", "deletionProtectionEnabled", "retentionInDays")


def _group_structure(session: Session, group: LogGroup, default_days: int) -> dict[str, Any]:
    days = retention.days_of(group, default_days)
    return {
        "logGroupName": group.name,
        "creationTime": group.created_at,
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": sum(stream.stored_bytes for stream in streams.streams(session, group)),
        "logGroupClass": "STANDARD",
        "deletionProtectionEnabled": False,
        **({"retentionInDays": days} if days else {}),
    }


def _stream_structure(group: LogGroup, stream: LogStream) -> dict[str, Any]:
    structure: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created_at,
        "arn": f"{group.arn}:log-stream:{stream.name}",
        # AWS has returned 0 as a stream's size since 2019.
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
