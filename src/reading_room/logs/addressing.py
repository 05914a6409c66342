"""The resources that calls of CloudWatch Logs name, for authorization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.logs.streams import group_name_in


def named_stream(call: Call) -> Sequence[str]:
    """Return the ARN to authorize: that of the named stream, or of all the group's streams."""
    identifier = call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier") or ""
    group = group_name_in(identifier)
    stream = call.parameters.get("logStreamName", "")
    return (f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}",)


def tagged_resource(call: Call) -> Sequence[str]:
    """Return the ARN in a call on tags."""
    return (call.parameters["resourceArn"],)


def requested_tags(call: Call) -> Mapping[str, Sequence[str]]:
    """Return the condition keys of a new group's tags."""
    tags: Mapping[str, str] = call.parameters.get("tags") or {}
    if not tags:
        return {}
    return {**{f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}, "aws:TagKeys": tuple(tags)}
