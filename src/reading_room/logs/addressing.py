"""How calls of CloudWatch Logs name what they are about, as resources of their authorization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.logs.streams import group_name_in


def named_stream(call: Call) -> Sequence[str]:
    """Return the ARN that policies must allow: the group's streams, or the one stream that is named."""
    identifier = call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier") or ""
    group = group_name_in(identifier)
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
