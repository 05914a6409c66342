"""Tags of EC2 resources: at most 50 per resource, on every kind of resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.vpc import lookup
from reading_room.vpc.errors import (
    DuplicateTagKey,
    ReservedTagKey,
    TagLimitExceeded,
    TagTooLong,
    WrongTagSpecification,
)
from reading_room.vpc.identifiers import Kind, kind_of
from reading_room.vpc.tables import Tag

MAX_TAGS = 50
_FORGET = delete(rows.table(Tag)).where(Tag.resource_id == bindparam("resource_id"))
TagList = list[dict[str, str]]


def requested(request: Mapping[str, Any], kind: Kind) -> dict[str, str]:
    """Return the tags that a create call requests for the new resource.

    Raises ``WrongTagSpecification`` if they are for another type of resource, and what ``checked`` raises.
    """
    tags: list[Mapping[str, str]] = []
    for specification in request.get("TagSpecifications", ()):
        if specification.get("ResourceType") != kind.word:
            raise WrongTagSpecification(str(specification.get("ResourceType")), kind.word)
        tags.extend(specification.get("Tags", ()))
    return checked(tags)


def checked(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return a list of tags as a mapping. Raises if a key is reserved, repeated or empty, or a text is too long."""
    result: dict[str, str] = {}
    for tag in tags:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if key.lower().startswith("aws:"):
            raise ReservedTagKey
        if not 1 <= len(key) <= 128:
            raise TagTooLong("key", key, 128)
        if len(value) > 256:
            raise TagTooLong("value", value, 256)
        if key in result:
            raise DuplicateTagKey(key)
        result[key] = value
    return result


def put(session: Session, kind: Kind, account: str, resource_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of one resource, replacing the values of existing keys. Raises ``TagLimitExceeded``."""
    if not tags:
        return
    session.execute(delete(Tag).where(Tag.resource_id == resource_id, Tag.key.in_(tags)))
    kept = session.scalar(select(func.count()).select_from(Tag).where(Tag.resource_id == resource_id)) or 0
    if kept + len(tags) > MAX_TAGS:
        raise TagLimitExceeded(resource_id)
    session.add_all(
        Tag(resource_id=resource_id, key=key, value=value, account=account, resource_type=kind.word)
        for key, value in tags.items()
    )
    session.flush()


def create(session: Session, account: str, resource_ids: Sequence[str], tags: Sequence[Mapping[str, str]]) -> None:
    """Tag resources of the account, all or none. Raises ``InvalidId`` or the kind's not-found error."""
    wanted = checked(tags)
    for resource_id in resource_ids:
        kind = kind_of(resource_id)
        lookup.one(session, kind, account, resource_id)
        put(session, kind, account, resource_id, wanted)


def remove(
    session: Session, account: str, resource_ids: Sequence[str], tags: Sequence[Mapping[str, str]] | None
) -> None:
    """Remove the given tags, or all if none is given. If a value is given, the tag is removed only if it matches."""
    for resource_id in resource_ids:
        lookup.one(session, kind_of(resource_id), account, resource_id)
        statement = delete(Tag).where(Tag.resource_id == resource_id)
        if not tags:
            session.execute(statement)
        for tag in tags or ():
            matching = statement.where(Tag.key == tag.get("Key", ""))
            if "Value" in tag:
                matching = matching.where(Tag.value == tag["Value"])
            session.execute(matching)


def forget(session: Session, resource_id: str) -> None:
    """Delete the tags of a resource that is being deleted."""
    session.execute(_FORGET, {"resource_id": resource_id})


def of(session: Session, resource_ids: Sequence[str]) -> dict[str, TagList]:
    """Return the tags of several resources by resource, in EC2's form, sorted by key."""
    found = lookup.grouped(session, Tag, "resource_id", resource_ids, "key")
    return {resource_id: [{"Key": tag.key, "Value": tag.value} for tag in tags] for resource_id, tags in found.items()}


def all_of(session: Session, account: str) -> list[Tag]:
    """Return every tag of an account, sorted by resource and key."""
    statement = select(Tag).where(Tag.account == account).order_by(Tag.resource_id, Tag.key)
    return list(session.scalars(statement))
