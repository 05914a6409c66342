"""IAM operations on instance profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import PassedRole, operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import entities, instance_profiles
from reading_room.iam.operations.addressing import every_profile, named_profile, named_role, row_of
from reading_room.iam.operations.structures import profile_structures
from reading_room.iam.pagination import page
from reading_room.iam.tables import InstanceProfile, Role
from reading_room.iam.tags import tag_context, tags_of

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_PASSED = PassedRole("RoleName", "ec2.amazonaws.com")


def profile_of(session: Session, call: Call) -> InstanceProfile:
    """Return the instance profile that a call names. Raises ``NoSuchInstanceProfile``."""
    return instance_profiles.get(session, call.account, call.parameters["InstanceProfileName"])


class InstanceProfileOperations:
    """CreateInstanceProfile and the other operations on instance profiles."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreateInstanceProfile", resources=named_profile, context=tag_context)
    def create(self, call: Call, request: t.CreateInstanceProfileRequestTypeDef) -> Mapping[str, Any]:
        """CreateInstanceProfile."""
        with self._database.transaction() as session:
            profile = instance_profiles.create(
                session,
                call.account,
                request["InstanceProfileName"],
                self._clock(),
                path=request.get("Path", "/"),
                tags=call.parameters.get("Tags") or (),
            )
            (structure,) = profile_structures(session, [profile])
            tags = tags_of(profile.tags)
            return {"InstanceProfile": {**structure, "Tags": tags} if tags else structure}

    @operation("iam", "GetInstanceProfile", resources=named_profile)
    def get(self, call: Call, request: t.GetInstanceProfileRequestTypeDef) -> Mapping[str, Any]:
        """GetInstanceProfile."""
        with self._database.reading() as session:
            profile = profile_of(session, call)
            (structure,) = profile_structures(session, [profile])
            return {"InstanceProfile": {**structure, "Tags": tags_of(profile.tags)}}

    @operation("iam", "ListInstanceProfiles", resources=every_profile)
    def list(self, call: Call, request: t.ListInstanceProfilesRequestTypeDef) -> Mapping[str, Any]:
        """ListInstanceProfiles."""
        with self._database.reading() as session:
            found = entities.every(session, InstanceProfile, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda profile: profile.name)
            return {"InstanceProfiles": profile_structures(session, shown), **more}

    @operation("iam", "ListInstanceProfilesForRole", resources=named_role)
    def list_for_role(self, call: Call, request: t.ListInstanceProfilesForRoleRequestTypeDef) -> Mapping[str, Any]:
        """ListInstanceProfilesForRole."""
        with self._database.reading() as session:
            role_id = row_of(session, Role, call).unique_id
            found = instance_profiles.of_roles(session, [role_id])[role_id]
            shown, more = page(found, call.parameters, lambda profile: profile.name)
            return {"InstanceProfiles": profile_structures(session, shown), **more}

    @operation("iam", "AddRoleToInstanceProfile", resources=named_profile, passes_role=_PASSED)
    def add_role(self, call: Call, request: t.AddRoleToInstanceProfileRequestTypeDef) -> None:
        """AddRoleToInstanceProfile."""
        with self._database.transaction() as session:
            profile = profile_of(session, call)
            instance_profiles.add_role(session, profile, row_of(session, Role, call))

    @operation("iam", "RemoveRoleFromInstanceProfile", resources=named_profile)
    def remove_role(self, call: Call, request: t.RemoveRoleFromInstanceProfileRequestTypeDef) -> None:
        """RemoveRoleFromInstanceProfile."""
        with self._database.transaction() as session:
            profile = profile_of(session, call)
            instance_profiles.remove_role(session, profile, row_of(session, Role, call))

    @operation("iam", "DeleteInstanceProfile", resources=named_profile)
    def delete(self, call: Call, request: t.DeleteInstanceProfileRequestTypeDef) -> None:
        """DeleteInstanceProfile."""
        with self._database.transaction() as session:
            instance_profiles.delete(session, profile_of(session, call))
