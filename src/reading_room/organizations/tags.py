"""Tags of the root, of units, accounts and policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from reading_room.organizations.errors import ConstraintViolation, InvalidInput
from reading_room.organizations.tables import ONLY, ResourceTags

MOST = 50
"""The most tags of one resource."""


def of(session: Session, resource_id: str) -> list[dict[str, str]]:
    """Return the tags of a resource, in the order given."""
    row = session.get(ResourceTags, resource_id)
    found: list[dict[str, str]] = [] if row is None else json.loads(row.tags)
    return found


def checked(tags: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return tags for storing. Raises ``InvalidInput``, ``ConstraintViolation``."""
    keys = [tag["Key"] for tag in tags]
    if len({key.lower() for key in keys}) != len(keys):
        raise InvalidInput("DUPLICATE_TAG_KEY", "Tag keys must be unique.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise InvalidInput("INVALID_SYSTEM_TAGS_PARAMETER", "Tag keys cannot begin with aws:.")
    if len(keys) > MOST:
        raise ConstraintViolation("MAX_TAG_LIMIT_EXCEEDED")
    return [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags]


def add(session: Session, resource_id: str, tags: Sequence[Mapping[str, str]]) -> None:
    """Add tags to a resource, or change their values. Raises like ``checked``."""
    new = {tag["Key"]: tag["Value"] for tag in checked(tags)}
    old = {tag["Key"]: tag["Value"] for tag in of(session, resource_id)}
    _put(session, resource_id, {**old, **new})


def remove(session: Session, resource_id: str, keys: Sequence[str]) -> None:
    """Remove the tags with some keys."""
    left = {tag["Key"]: tag["Value"] for tag in of(session, resource_id) if tag["Key"] not in keys}
    _put(session, resource_id, left)


def forget(session: Session, resource_id: str) -> None:
    """Remove all tags of a resource that is being deleted."""
    _put(session, resource_id, {})


def _put(session: Session, resource_id: str, tags: Mapping[str, str]) -> None:
    row = session.get(ResourceTags, resource_id)
    if not tags:
        if row is not None:
            session.delete(row)
            session.flush()
        return
    stored = json.dumps(checked([{"Key": key, "Value": value} for key, value in tags.items()]))
    session.merge(ResourceTags(resource_id=resource_id, organization=ONLY, tags=stored))
    session.flush()
