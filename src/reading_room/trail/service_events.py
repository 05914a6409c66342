"""Events of what the service does by itself, in CloudTrail's form ("AWS service events", CloudTrail User Guide)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reading_room.aws.errors import AwsError
from reading_room.trail.events import service_event


@dataclass(frozen=True, slots=True)
class ServiceAction:
    """What a service did in an account without a call, or why it could not."""

    service: str
    name: str
    account: str
    region: str
    at: dt.datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    """Members of the event that name the resources and the reason, as members of calls would."""
    error: AwsError | None = None


class ServiceTrail(Protocol):
    """The trail, for those who act without a call."""

    def check(self, service: str, operation: str, account: str = "") -> None:
        """Raise an ``AwsError`` if an action could not be recorded."""
        ...

    def acted(self, action: ServiceAction) -> None:
        """Record an action. Returns at once and never raises."""
        ...


def event_of_action(action: ServiceAction) -> dict[str, Any]:
    """Return the event of an action."""
    principal = f"{action.service}.amazonaws.com"
    event = service_event(action.name, action.at, action.details)
    event |= {
        "userIdentity": {"accountId": action.account, "invokedBy": principal},
        "eventSource": principal,
        "awsRegion": action.region,
        "sourceIPAddress": principal,
        "userAgent": principal,
        "requestParameters": None,
        "responseElements": None,
        "recipientAccountId": action.account,
    }
    if action.error is not None:
        event |= {"errorCode": action.error.code, "errorMessage": action.error.message}
    return event
