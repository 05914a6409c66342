"""IAM operations on roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import entities, roles
from reading_room.iam.errors import UnsupportedParameter
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.addressing import boundary_context, every_role, named_role, row_of
from reading_room.iam.operations.structures import last_used_structure, listed_roles, role_structure
from reading_room.iam.pagination import page
from reading_room.iam.tables import Role

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_SIGN_IN = ("MaxSigninSessionDuration", "ResetMaxSigninSessionDuration")
"""Parameters about signing in to AWS's console, which does not exist here."""


class RoleOperations:
    """CreateRole and the other operations on roles."""

    def __init__(self, database: Database, clock: Clock, key_uses: KeyUses) -> None:
        self._database = database
        self._clock = clock
        self._key_uses = key_uses

    @operation("iam", "CreateRole", resources=named_role, context=boundary_context)
    def create(self, call: Call, request: t.CreateRoleRequestTypeDef) -> Mapping[str, Any]:
        """CreateRole."""
        _refuse_sign_in(call)
        with self._database.transaction() as session:
            role = roles.create(
                session,
                call.account,
                request["RoleName"],
                request["AssumeRolePolicyDocument"],
                self._clock(),
                path=request.get("Path", "/"),
                description=request.get("Description"),
                max_session_duration=request.get("MaxSessionDuration", 3600),
                tags=call.parameters.get("Tags") or (),
                boundary=request.get("PermissionsBoundary"),
            )
            # AWS returns the duration from GetRole, not from CreateRole.
            structure = role_structure(session, role)
            return {"Role": {name: value for name, value in structure.items() if name != "MaxSessionDuration"}}

    @operation("iam", "GetRole", resources=named_role)
    def get(self, call: Call, request: t.GetRoleRequestTypeDef) -> Mapping[str, Any]:
        """GetRole."""
        with self._database.reading() as session:
            role = row_of(session, Role, call)
            structure = role_structure(session, role)
        return {"Role": {**structure, **last_used_structure(self._key_uses.last_of_role(role.unique_id))}}

    @operation("iam", "ListRoles", resources=every_role)
    def list(self, call: Call, request: t.ListRolesRequestTypeDef) -> Mapping[str, Any]:
        """ListRoles."""
        with self._database.reading() as session:
            found = entities.every(session, Role, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda role: role.name)
            return {"Roles": listed_roles(session, shown), **more}

    @operation("iam", "UpdateRole", resources=named_role)
    def update(self, call: Call, request: t.UpdateRoleRequestTypeDef) -> Mapping[str, Any]:
        """UpdateRole: parameters that the request does not have stay unchanged."""
        _refuse_sign_in(call)
        with self._database.transaction() as session:
            role = row_of(session, Role, call)
            role.description = request.get("Description", role.description)
            role.max_session_duration = request.get("MaxSessionDuration", role.max_session_duration)
        return {}

    @operation("iam", "UpdateRoleDescription", resources=named_role)
    def describe(self, call: Call, request: t.UpdateRoleDescriptionRequestTypeDef) -> Mapping[str, Any]:
        """UpdateRoleDescription."""
        with self._database.transaction() as session:
            role = row_of(session, Role, call)
            role.description = request["Description"]
            return {"Role": role_structure(session, role)}

    @operation("iam", "UpdateAssumeRolePolicy", resources=named_role)
    def update_trust(self, call: Call, request: t.UpdateAssumeRolePolicyRequestTypeDef) -> None:
        """UpdateAssumeRolePolicy."""
        with self._database.transaction() as session:
            roles.update_trust(session, call.account, request["RoleName"], request["PolicyDocument"])

    @operation("iam", "DeleteRole", resources=named_role)
    def delete(self, call: Call, request: t.DeleteRoleRequestTypeDef) -> None:
        """DeleteRole."""
        with self._database.transaction() as session:
            roles.delete(session, row_of(session, Role, call))


def _refuse_sign_in(call: Call) -> None:
    for parameter in _SIGN_IN:
        if parameter in call.parameters:
            raise UnsupportedParameter(parameter)
