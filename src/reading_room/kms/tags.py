"""The tags of keys, stored as JSON text in their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues
from reading_room.kms.errors import LimitExceededException, TagException

TAGS_PER_KEY = 50


def tags_text(tags: Sequence[Mapping[str, str]]) -> str:
    """Return tags as a row stores them. Raises ``TagException``, ``LimitExceededException``."""
    keys = [tag["TagKey"] for tag in tags]
    if len(set(keys)) != len(keys):
        raise TagException("Duplicate tag keys")
    if any(key.lower().startswith("aws:") for key in keys):
        raise TagException("aws: prefixed tag key names are not allowed for external use.")
    if len(keys) > TAGS_PER_KEY:
        raise LimitExceededException("The number of tags", TAGS_PER_KEY)
    return json.dumps([{"TagKey": tag["TagKey"], "TagValue": tag["TagValue"]} for tag in tags])


def tags_of(text: str) -> list[dict[str, str]]:
    """Return the tags of a row."""
    tags: list[dict[str, str]] = json.loads(text)
    return tags


def with_tags(text: str, tags: Sequence[Mapping[str, str]]) -> str:
    """Add tags to a row's, replacing those with the same key. Raises like ``tags_text``."""
    tags_text(tags)
    return tags_text([*tags_of(without_tags(text, [tag["TagKey"] for tag in tags])), *tags])


def without_tags(text: str, keys: Sequence[str]) -> str:
    """Return a row's tags without those with the given keys."""
    return json.dumps([tag for tag in tags_of(text) if tag["TagKey"] not in keys])


def tag_context(call: Call) -> ContextValues:
    """Return the condition keys of the tags that a call adds or removes."""
    tags = call.parameters.get("Tags") or []
    keys = tuple(tag["TagKey"] for tag in tags) or tuple(call.parameters.get("TagKeys") or ())
    if not keys:
        return {}
    return {**{f"aws:RequestTag/{tag['TagKey']}": (tag["TagValue"],) for tag in tags}, "aws:TagKeys": keys}
