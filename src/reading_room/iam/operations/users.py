"""IAM operations on users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import entities, groups, users
from reading_room.iam.operations.addressing import (
    boundary_context,
    every_user,
    named_user,
    row_of,
    user_of,
    user_or_caller,
)
from reading_room.iam.operations.structures import group_structure, listed_user, user_structure
from reading_room.iam.pagination import page
from reading_room.iam.tables import User

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t


class UserOperations:
    """CreateUser and the other operations on users."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreateUser", resources=named_user, context=boundary_context)
    def create(self, call: Call, request: t.CreateUserRequestTypeDef) -> Mapping[str, Any]:
        """CreateUser."""
        with self._database.transaction() as session:
            user = users.create(
                session,
                call.account,
                request["UserName"],
                self._clock(),
                path=request.get("Path", "/"),
                tags=call.parameters.get("Tags") or (),
                boundary=request.get("PermissionsBoundary"),
            )
            return {"User": user_structure(user)}

    @operation("iam", "GetUser", resources=user_or_caller)
    def get(self, call: Call, request: t.GetUserRequestTypeDef) -> Mapping[str, Any]:
        """GetUser."""
        with self._database.reading() as session:
            return {"User": user_structure(user_of(session, call))}

    @operation("iam", "ListUsers", resources=every_user)
    def list(self, call: Call, request: t.ListUsersRequestTypeDef) -> Mapping[str, Any]:
        """ListUsers."""
        with self._database.reading() as session:
            found = entities.every(session, User, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda user: user.name)
            return {"Users": [listed_user(user) for user in shown], **more}

    @operation("iam", "UpdateUser", resources=named_user)
    def update(self, call: Call, request: t.UpdateUserRequestTypeDef) -> None:
        """UpdateUser: changes the name or path, and so the ARN; keys, policies and pinned references stay."""
        with self._database.transaction() as session:
            user = row_of(session, User, call)
            entities.rename(session, user, request.get("NewUserName"), request.get("NewPath"))

    @operation("iam", "DeleteUser", resources=named_user)
    def delete(self, call: Call, request: t.DeleteUserRequestTypeDef) -> None:
        """DeleteUser."""
        with self._database.transaction() as session:
            users.delete(session, row_of(session, User, call))

    @operation("iam", "ListGroupsForUser", resources=named_user)
    def list_groups(self, call: Call, request: t.ListGroupsForUserRequestTypeDef) -> Mapping[str, Any]:
        """ListGroupsForUser."""
        with self._database.reading() as session:
            found = groups.groups_of(session, row_of(session, User, call))
            shown, more = page(found, call.parameters, lambda group: group.name)
            return {"Groups": [group_structure(group) for group in shown], **more}
