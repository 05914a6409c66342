"""IAM operations on groups and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import entities, groups
from reading_room.iam.operations.addressing import every_group, named_group, row_of
from reading_room.iam.operations.structures import group_structure, listed_user
from reading_room.iam.pagination import page
from reading_room.iam.tables import Group, User

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t


class GroupOperations:
    """CreateGroup and the other operations on groups."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreateGroup", resources=named_group)
    def create(self, call: Call, request: t.CreateGroupRequestTypeDef) -> Mapping[str, Any]:
        """CreateGroup."""
        with self._database.transaction() as session:
            path = request.get("Path", "/")
            group = groups.create(session, call.account, request["GroupName"], self._clock(), path)
            return {"Group": group_structure(group)}

    @operation("iam", "GetGroup", resources=named_group)
    def get(self, call: Call, request: t.GetGroupRequestTypeDef) -> Mapping[str, Any]:
        """GetGroup: the group, and a page of its users."""
        with self._database.reading() as session:
            group = row_of(session, Group, call)
            shown, more = page(groups.members(session, group), call.parameters, lambda user: user.name)
            return {"Group": group_structure(group), "Users": [listed_user(user) for user in shown], **more}

    @operation("iam", "ListGroups", resources=every_group)
    def list(self, call: Call, request: t.ListGroupsRequestTypeDef) -> Mapping[str, Any]:
        """ListGroups."""
        with self._database.reading() as session:
            found = entities.every(session, Group, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda group: group.name)
            return {"Groups": [group_structure(group) for group in shown], **more}

    @operation("iam", "UpdateGroup", resources=named_group)
    def update(self, call: Call, request: t.UpdateGroupRequestTypeDef) -> None:
        """UpdateGroup: changes the name or path; members and policies stay."""
        with self._database.transaction() as session:
            group = row_of(session, Group, call)
            entities.rename(session, group, request.get("NewGroupName"), request.get("NewPath"))

    @operation("iam", "DeleteGroup", resources=named_group)
    def delete(self, call: Call, request: t.DeleteGroupRequestTypeDef) -> None:
        """DeleteGroup."""
        with self._database.transaction() as session:
            groups.delete(session, row_of(session, Group, call))

    @operation("iam", "AddUserToGroup", resources=named_group)
    def add_user(self, call: Call, request: t.AddUserToGroupRequestTypeDef) -> None:
        """AddUserToGroup."""
        with self._database.transaction() as session:
            groups.add(session, row_of(session, Group, call), row_of(session, User, call))

    @operation("iam", "RemoveUserFromGroup", resources=named_group)
    def remove_user(self, call: Call, request: t.RemoveUserFromGroupRequestTypeDef) -> None:
        """RemoveUserFromGroup."""
        with self._database.transaction() as session:
            groups.remove(session, row_of(session, Group, call), row_of(session, User, call))
