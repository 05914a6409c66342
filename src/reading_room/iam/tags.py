"""Tags of users, roles, instance profiles and customer managed policies, stored as JSON text in their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.iam.errors import DuplicateTagKeys, SystemTagKey, TooManyTags

TAGS_PER_ENTITY = 50


def tags_text(tags: Sequence[Mapping[str, str]]) -> str:
    """Return tags as a row stores them. Raises ``DuplicateTagKeys``, ``SystemTagKey``, ``TooManyTags``."""
    keys = [tag["Key"].lower() for tag in tags]
    if len(set(keys)) != len(keys):
        raise DuplicateTagKeys
    if any(key.startswith("aws:") for key in keys):
        raise SystemTagKey
    if len(keys) > TAGS_PER_ENTITY:
        raise TooManyTags
    return json.dumps([{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags])


def tags_of(text: str) -> list[dict[str, str]]:
    """Return the tags of a row."""
    tags: list[dict[str, str]] = json.loads(text)
    return tags


def with_tags(text: str, tags: Sequence[Mapping[str, str]]) -> str:
    """Add tags to a row's, replacing those with the same key, ignoring case. Raises like ``tags_text``."""
    added = tags_text(tags)
    return tags_text([*tags_of(without_tags(text, [tag["Key"] for tag in tags])), *tags_of(added)])


def without_tags(text: str, keys: Sequence[str]) -> str:
    """Return a row's tags without those with the given keys, ignoring case."""
    gone = {key.lower() for key in keys}
    return json.dumps([tag for tag in tags_of(text) if tag["Key"].lower() not in gone])


def tag_context(call: Call) -> dict[str, Sequence[str]]:
    """Return the condition keys of the tags that a call adds or removes: ``aws:RequestTag/…`` and ``aws:TagKeys``."""
    tags = call.parameters.get("Tags") or []
    if not tags:
        keys = call.parameters.get("TagKeys") or []
        return {"aws:TagKeys": tuple(keys)} if keys else {}
    context: dict[str, Sequence[str]] = {f"aws:RequestTag/{tag['Key']}": (tag["Value"],) for tag in tags}
    return {**context, "aws:TagKeys": tuple(tag["Key"] for tag in tags)}
