"""Inline policies of users, groups and roles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam.errors import MalformedPolicyDocument, NoSuchEntity, PolicySizeExceeded
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.tables import InlinePolicy

SIZE_LIMITS: Mapping[str, int] = {"user": 2048, "group": 5120, "role": 10_240}
"""By kind of owner: total characters of one owner's inline policies, not counting white space (IAM quotas)."""


def check_document(text: str, use: PolicyUse) -> None:
    """Raise ``MalformedPolicyDocument`` if the text is not a policy for this use."""
    try:
        parse(text, use, new=True)
    except PolicyDocumentError as error:
        raise MalformedPolicyDocument(str(error)) from error


def size_of(document: str) -> int:
    """Return the number of characters in a document, not counting white space, as quotas do."""
    return len(re.sub(r"\s", "", document))


def put(session: Session, kind: str, owner_id: str, owner_name: str, name: str, document: str) -> None:
    """Store a policy, replacing any of the same name. Raises ``MalformedPolicyDocument``, ``PolicySizeExceeded``."""
    check_document(document, "inline")
    others = session.scalars(
        select(InlinePolicy.document).filter(InlinePolicy.owner_id == owner_id, InlinePolicy.name != name)
    )
    if sum(map(size_of, others)) + size_of(document) > SIZE_LIMITS[kind]:
        raise PolicySizeExceeded(kind, owner_name, SIZE_LIMITS[kind])
    session.merge(InlinePolicy(owner_id=owner_id, name=name, document=document))


def get(session: Session, kind: str, owner_id: str, name: str) -> InlinePolicy:
    """Return a policy. Raises ``NoSuchEntity``."""
    row = session.get(InlinePolicy, (owner_id, name))
    if row is None:
        raise NoSuchEntity(f"{kind} policy", name)
    return row


def delete(session: Session, kind: str, owner_id: str, name: str) -> None:
    """Delete a policy. Raises ``NoSuchEntity``."""
    session.delete(get(session, kind, owner_id, name))


def every(session: Session, owner_id: str) -> Sequence[InlinePolicy]:
    """Return an owner's policies, sorted by name."""
    return of_owners(session, [owner_id])[owner_id]


def of_owners(session: Session, owner_ids: Sequence[str]) -> dict[str, list[InlinePolicy]]:
    """Return the policies of each owner, sorted by name."""
    found: dict[str, list[InlinePolicy]] = {owner_id: [] for owner_id in owner_ids}
    query = select(InlinePolicy).where(InlinePolicy.owner_id.in_(owner_ids))
    for row in session.scalars(query.order_by(InlinePolicy.name)):
        found[row.owner_id].append(row)
    return found


def names(session: Session, owner_id: str) -> Sequence[str]:
    """Return the names of an owner's policies, sorted."""
    return [row.name for row in every(session, owner_id)]
