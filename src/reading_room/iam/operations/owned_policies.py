"""IAM operations on the inline policies, attached policies and permissions boundaries of users, groups and roles.

The three kinds of owners have the same operations under different names, so each has a row of names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import BoundOperation, ContextValues, OperationFacts, no_context
from reading_room.database.engine import Database
from reading_room.iam import attached_policies, inline_policies
from reading_room.iam.managed_policies import path_of
from reading_room.iam.operations.addressing import (
    NAME_PARAMETERS,
    boundary_context,
    named,
    policy_context,
    row_of,
)
from reading_room.iam.operations.structures import attached_structures, encoded
from reading_room.iam.pagination import page
from reading_room.iam.tables import Group, Role, User

Request = Mapping[str, Any]
Response = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class OwnerNames:
    """AWS's names of the operations on the policies of one kind of owner."""

    model: type[User] | type[Group] | type[Role]
    put: str
    get: str
    list: str
    delete: str
    attach: str
    detach: str
    list_attached: str


@dataclass(frozen=True, slots=True)
class BoundaryNames:
    """AWS's names of the operations on the boundary of one kind of owner."""

    model: type[User] | type[Role]
    put: str
    delete: str


OWNERS = (
    OwnerNames(
        User,
        put="PutUserPolicy",
        get="GetUserPolicy",
        list="ListUserPolicies",
        delete="DeleteUserPolicy",
        attach="AttachUserPolicy",
        detach="DetachUserPolicy",
        list_attached="ListAttachedUserPolicies",
    ),
    OwnerNames(
        Group,
        put="PutGroupPolicy",
        get="GetGroupPolicy",
        list="ListGroupPolicies",
        delete="DeleteGroupPolicy",
        attach="AttachGroupPolicy",
        detach="DetachGroupPolicy",
        list_attached="ListAttachedGroupPolicies",
    ),
    OwnerNames(
        Role,
        put="PutRolePolicy",
        get="GetRolePolicy",
        list="ListRolePolicies",
        delete="DeleteRolePolicy",
        attach="AttachRolePolicy",
        detach="DetachRolePolicy",
        list_attached="ListAttachedRolePolicies",
    ),
)
BOUNDED = (
    BoundaryNames(User, put="PutUserPermissionsBoundary", delete="DeleteUserPermissionsBoundary"),
    BoundaryNames(Role, put="PutRolePermissionsBoundary", delete="DeleteRolePermissionsBoundary"),
)


class OwnedPolicyOperations:
    """The operations on the policies of users, groups and roles."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield the operations for every kind of owner."""
        for names in OWNERS:
            handlers: tuple[tuple[str, Callable[..., Response], Callable[[Call], ContextValues]], ...] = (
                (names.put, self._put, no_context),
                (names.get, self._get, no_context),
                (names.list, self._list, no_context),
                (names.delete, self._delete, no_context),
                (names.attach, self._attach, policy_context),
                (names.detach, self._detach, policy_context),
                (names.list_attached, self._list_attached, no_context),
            )
            for name, handler, context in handlers:
                yield _bound(name, names.model, context, partial(handler, names.model))
        for bounded in BOUNDED:
            yield _bound(bounded.put, bounded.model, boundary_context, partial(self._put_boundary, bounded.model))
            yield _bound(bounded.delete, bounded.model, no_context, partial(self._delete_boundary, bounded.model))

    def _put(self, model: type[User | Group | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            owner = row_of(session, model, call)
            inline_policies.put(
                session, model.kind, owner.unique_id, owner.name, request["PolicyName"], request["PolicyDocument"]
            )

    def _get(self, model: type[User | Group | Role], call: Call, request: Request) -> Response:
        with self._database.reading() as session:
            owner = row_of(session, model, call)
            policy = inline_policies.get(session, model.kind, owner.unique_id, request["PolicyName"])
            return {
                NAME_PARAMETERS[model]: owner.name,
                "PolicyName": policy.name,
                "PolicyDocument": encoded(policy.document),
            }

    def _list(self, model: type[User | Group | Role], call: Call, request: Request) -> Response:
        with self._database.reading() as session:
            owner = row_of(session, model, call)
            names, more = page(inline_policies.names(session, owner.unique_id), request, str)
            return {"PolicyNames": names, **more}

    def _delete(self, model: type[User | Group | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            owner = row_of(session, model, call)
            inline_policies.delete(session, model.kind, owner.unique_id, request["PolicyName"])

    def _attach(self, model: type[User | Group | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            attached_policies.attach(session, row_of(session, model, call), request["PolicyArn"])

    def _detach(self, model: type[User | Group | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            attached_policies.detach(session, row_of(session, model, call), request["PolicyArn"])

    def _list_attached(self, model: type[User | Group | Role], call: Call, request: Request) -> Response:
        prefix = request.get("PathPrefix", "/")
        with self._database.reading() as session:
            arns = attached_policies.arns(session, row_of(session, model, call))
            shown, more = page([arn for arn in arns if path_of(arn).startswith(prefix)], request, str)
            return {"AttachedPolicies": attached_structures(shown), **more}

    def _put_boundary(self, model: type[User | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            attached_policies.put_boundary(session, row_of(session, model, call), request["PermissionsBoundary"])

    def _delete_boundary(self, model: type[User | Role], call: Call, request: Request) -> None:
        with self._database.transaction() as session:
            attached_policies.delete_boundary(row_of(session, model, call))


def _bound(
    name: str,
    model: type[User | Group | Role],
    context: Callable[[Call], ContextValues],
    handler: Callable[[Call, Any], Response],
) -> BoundOperation:
    return BoundOperation(OperationFacts("iam", name, f"iam:{name}", named(model), context, None, True), handler)
