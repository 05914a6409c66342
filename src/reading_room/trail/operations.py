"""The operation of CloudTrail that returns the events of an account."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.trail.errors import InvalidLookupAttributes, InvalidTimeRange
from reading_room.trail.identities import user_name
from reading_room.trail.lookup import PAGE, PERIOD, SCANNED, Query, look_up, moment_of
from reading_room.trail.recording import Trail
from reading_room.trail.subjects import subjects


class TrailOperations:
    """Reads the trail that the product writes."""

    def __init__(self, trail: Trail, clock: Clock, most_scanned: int = SCANNED) -> None:
        """``most_scanned`` is the most bytes of the trail that one call scans."""
        self._trail = trail
        self._clock = clock
        self._most_scanned = most_scanned

    @operation("cloudtrail", "LookupEvents")
    def lookup_events(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return management events of the caller's account, newest first.

        ``EventCategory`` selects a trail's insights; the product creates none, so there are none to return.
        """
        query = self._query(call, request)
        if request.get("EventCategory") == "insight":
            return {"Events": []}
        # A client that looks up events right after a call expects to find it.
        self._trail.flush()
        most, token = request.get("MaxResults", PAGE), request.get("NextToken")
        events, token = look_up(self._trail.folder, query, most, token, self._most_scanned)
        answer: dict[str, Any] = {"Events": [_summary(event) for event in events]}
        if token is not None:
            answer["NextToken"] = token
        return answer

    def _query(self, call: Call, request: Mapping[str, Any]) -> Query:
        attributes = request.get("LookupAttributes") or []
        if len(attributes) > 1:
            raise InvalidLookupAttributes("You can specify only one attribute.")
        key, value = (attributes[0]["AttributeKey"], attributes[0]["AttributeValue"]) if attributes else (None, "")
        if key == "ReadOnly" and value not in ("true", "false"):
            raise InvalidLookupAttributes("The value of ReadOnly must be true or false.")
        now = self._clock()
        start, end = request.get("StartTime"), request.get("EndTime")
        if start is not None and end is not None and start > end:
            raise InvalidTimeRange
        filters = {name: str(given) for name, given in request.items() if name not in ("NextToken", "MaxResults")}
        encoded = json.dumps([call.account, filters], sort_keys=True)
        return Query(
            call.account,
            # Events have whole seconds.
            max(start or now - PERIOD, now - PERIOD).replace(microsecond=0),
            end or now + dt.timedelta(minutes=1),
            key,
            value,
            hashlib.sha256(encoded.encode()).hexdigest()[:16],
        )


def _summary(event: Mapping[str, Any]) -> dict[str, Any]:
    identity = event["userIdentity"]
    summary = {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "true" if event.get("readOnly") else "false",
        "EventTime": moment_of(event),
        "EventSource": event["eventSource"],
        "Resources": subjects(event),
        "CloudTrailEvent": json.dumps(event, separators=(",", ":")),
    }
    for name, value in (("AccessKeyId", identity.get("accessKeyId")), ("Username", user_name(identity))):
        if value:
            summary[name] = value
    return summary
