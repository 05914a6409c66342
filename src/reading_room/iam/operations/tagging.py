"""IAM operations on the tags of users, roles, instance profiles and customer managed policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import BoundOperation, OperationFacts, no_context
from reading_room.database.engine import Database
from reading_room.iam.operations.addressing import (
    named_policy,
    named_profile,
    named_role,
    named_user,
    own_policy,
    row_of,
)
from reading_room.iam.operations.instance_profiles import profile_of
from reading_room.iam.pagination import page
from reading_room.iam.tables import InstanceProfile, ManagedPolicy, Role, User
from reading_room.iam.tags import tag_context, tags_of, with_tags, without_tags

Tagged = User | Role | ManagedPolicy | InstanceProfile
Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TagNames:
    """AWS's names of the operations on the tags of one kind of entity, and how to find the entity of a call."""

    tag: str
    untag: str
    list: str
    row: Callable[[Session, Call], Tagged]
    resources: Callable[[Call], Sequence[str]]


TAGGED = (
    TagNames("TagUser", "UntagUser", "ListUserTags", lambda session, call: row_of(session, User, call), named_user),
    TagNames("TagRole", "UntagRole", "ListRoleTags", lambda session, call: row_of(session, Role, call), named_role),
    TagNames("TagPolicy", "UntagPolicy", "ListPolicyTags", own_policy, named_policy),
    TagNames("TagInstanceProfile", "UntagInstanceProfile", "ListInstanceProfileTags", profile_of, named_profile),
)


class TagOperations:
    """The operations on tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield three operations for each kind of entity."""
        for names in TAGGED:
            for name, handler, context in (
                (names.tag, self._tag, tag_context),
                (names.untag, self._untag, tag_context),
                (names.list, self._list, no_context),
            ):
                facts = OperationFacts("iam", name, f"iam:{name}", names.resources, context, None, True)
                yield BoundOperation(facts, partial(handler, names))

    def _tag(self, names: TagNames, call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            row = names.row(session, call)
            row.tags = with_tags(row.tags, request["Tags"])

    def _untag(self, names: TagNames, call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            row = names.row(session, call)
            row.tags = without_tags(row.tags, request["TagKeys"])

    def _list(self, names: TagNames, call: Call, request: Request) -> Mapping[str, Any]:
        with self._database.reading() as session:
            tags = sorted(tags_of(names.row(session, call).tags), key=lambda tag: tag["Key"])
            shown, more = page(tags, request, lambda tag: tag["Key"])
            return {"Tags": shown, **more}
