"""What a caller brings to a decision by being who it is: its identity policies and its tags."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.iam.policy.evaluate import AttachedPolicy, PolicyKind
from reading_room.iam.tables import InlinePolicy, Role, User
from reading_room.iam.tags import tags_of

logger = logging.getLogger(__name__)

_DENY_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Sid": "Unreadable", "Effect": "Deny", "Action": "*", "Resource": "*"}}
)
_TABLES = frozenset({InlinePolicy.__tablename__, User.__tablename__, Role.__tablename__})


def attached(kind: PolicyKind, use: PolicyUse, name: str, text: str) -> AttachedPolicy:
    """Return a stored policy for a decision. One that cannot be read denies everything."""
    try:
        return AttachedPolicy(kind, parse(text, use), name)
    except PolicyDocumentError as error:
        logger.error("the stored %s policy %s cannot be read and denies everything: %s", kind, name, error)
        return AttachedPolicy(kind, parse(_DENY_ALL, "inline"), name)


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller's policies, and its tags as condition keys (``aws:PrincipalTag/…``)."""

    policies: tuple[AttachedPolicy, ...] = ()
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Identities:
    """Users and roles by unique id, read once and kept until one of their rows is written. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._generation = 0
        self._kept: dict[str, Identity] = {}
        database.on_commit(self._committed)

    def of(self, principal: Principal) -> Identity:
        """Return what a user, or a session's role, brings. Other callers bring nothing."""
        if principal.kind not in ("user", "session"):
            return Identity()
        owner = principal.user_id.partition(":")[0]
        with self._lock:
            kept = self._kept.get(owner)
            generation = self._generation
        if kept is not None:
            return kept
        found = self._read(owner)
        with self._lock:
            # What was read before a commit that came between may be old, and is not kept.
            if self._generation == generation:
                self._kept[owner] = found
        return found

    def _read(self, owner: str) -> Identity:
        with self._database.reading() as session:
            rows = session.scalars(select(InlinePolicy).filter_by(owner_id=owner).order_by(InlinePolicy.name)).all()
            policies = tuple(attached("identity", "inline", repr(row.name), row.document) for row in rows)
            entity = session.get(User, owner) or session.get(Role, owner)
            tags = tags_of(entity.tags) if entity is not None else []
        return Identity(policies, {f"aws:PrincipalTag/{tag['Key']}": (tag["Value"],) for tag in tags})

    def _committed(self, tables: frozenset[str]) -> None:
        if tables & _TABLES:
            with self._lock:
                self._generation += 1
                self._kept.clear()
