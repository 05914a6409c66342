"""Tags of users and roles, kept as JSON text in their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reading_room.aws.call import Call
from reading_room.iam.errors import DuplicateTagKeys, LimitExceeded

TAGS_PER_ENTITY = 50


def tags_text(tags: Sequence[Mapping[str, str]]) -> str:
    """Return tags as a row keeps them. Raises ``DuplicateTagKeys``, ``LimitExceeded``."""
    keys = [tag["Key"].lower() for tag in tags]
    if len(set(keys)) != len(keys):
        raise DuplicateTagKeys
    if len(keys) > TAGS_PER_ENTITY:
        raise LimitExceeded("TagsPerEntity", TAGS_PER_ENTITY)
    return json.dumps([{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags])


def tags_of(text: str) -> list[dict[str, str]]:
    """Return the tags of a row."""
    tags: list[dict[str, str]] = json.loads(text)
    return tags


def tag_context(call: Call) -> dict[str, Sequence[str]]:
    """Return the condition keys of the tags that a call brings: ``aws:RequestTag/…`` and ``aws:TagKeys``."""
    tags = call.parameters.get("Tags") or []
    if not tags:
        return {}
    context: dict[str, Sequence[str]] = {f"aws:RequestTag/{tag['Key']}": (tag["Value"],) for tag in tags}
    return {**context, "aws:TagKeys": tuple(tag["Key"] for tag in tags)}
