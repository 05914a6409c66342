"""IAM operations on roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reading_room.arns import iam_arn
from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import inline_policies, roles
from reading_room.iam.errors import NoSuchEntity, UnsupportedParameter
from reading_room.iam.pagination import page
from reading_room.iam.tables import Role
from reading_room.iam.tags import tag_context, tags_of

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t


def named_role(call: Call) -> Sequence[str]:
    """Return the ARN of the role that a call names or, with its path, makes."""
    path = call.parameters.get("Path", "/")
    return (iam_arn(call.account, f"role{path}{call.parameters['RoleName']}"),)


def every_role(call: Call) -> Sequence[str]:
    """Return the resource of a list of roles: those under its path prefix."""
    return (iam_arn(call.account, f"role{call.parameters.get('PathPrefix', '/')}"),)


def role_structure(role: Role) -> dict[str, Any]:
    """Return IAM's Role structure. Policies in answers are percent-encoded."""
    structure: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.unique_id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": quote(role.trust_policy, safe=""),
        "MaxSessionDuration": role.max_session_duration,
    }
    if role.description is not None:
        structure["Description"] = role.description
    if tags := tags_of(role.tags):
        structure["Tags"] = tags
    return structure


class RoleOperations:
    """CreateRole and what is done to roles."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreateRole", resources=named_role, context=tag_context)
    def create(self, call: Call, request: t.CreateRoleRequestTypeDef) -> Mapping[str, Any]:
        """CreateRole."""
        refuse_boundary(call)
        if "MaxSigninSessionDuration" in call.parameters:
            raise UnsupportedParameter("MaxSigninSessionDuration")
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
                tags=[{"Key": tag["Key"], "Value": tag["Value"]} for tag in request.get("Tags", [])],
            )
            return {"Role": role_structure(role)}

    @operation("iam", "GetRole", resources=named_role)
    def get(self, call: Call, request: t.GetRoleRequestTypeDef) -> Mapping[str, Any]:
        """GetRole."""
        with self._database.reading() as session:
            return {"Role": role_structure(roles.get(session, call.account, request["RoleName"]))}

    @operation("iam", "ListRoles", resources=every_role)
    def list(self, call: Call, request: t.ListRolesRequestTypeDef) -> Mapping[str, Any]:
        """ListRoles."""
        with self._database.reading() as session:
            found = roles.every(session, call.account, request.get("PathPrefix", "/"))
            shown, more = page(found, call.parameters, lambda role: role.name)
            # A list leaves the tags out, as AWS says in its documentation.
            entries = [role_structure(role) for role in shown]
            return {"Roles": [{k: v for k, v in entry.items() if k != "Tags"} for entry in entries], **more}

    @operation("iam", "UpdateAssumeRolePolicy", resources=named_role)
    def update_trust(self, call: Call, request: t.UpdateAssumeRolePolicyRequestTypeDef) -> None:
        """UpdateAssumeRolePolicy."""
        with self._database.transaction() as session:
            roles.update_trust(session, call.account, request["RoleName"], request["PolicyDocument"])

    @operation("iam", "DeleteRole", resources=named_role)
    def delete(self, call: Call, request: t.DeleteRoleRequestTypeDef) -> None:
        """DeleteRole."""
        with self._database.transaction() as session:
            roles.delete(session, call.account, request["RoleName"])

    @operation("iam", "ListRoleTags", resources=named_role)
    def list_tags(self, call: Call, request: t.ListRoleTagsRequestTypeDef) -> Mapping[str, Any]:
        """ListRoleTags."""
        with self._database.reading() as session:
            tags = tags_of(roles.get(session, call.account, request["RoleName"]).tags)
            shown, more = page(sorted(tags, key=lambda tag: tag["Key"]), call.parameters, lambda tag: tag["Key"])
            return {"Tags": shown, **more}

    @operation("iam", "PutRolePolicy", resources=named_role)
    def put_policy(self, call: Call, request: t.PutRolePolicyRequestTypeDef) -> None:
        """PutRolePolicy."""
        with self._database.transaction() as session:
            role = roles.get(session, call.account, request["RoleName"])
            inline_policies.put(
                session, "role", role.unique_id, role.name, request["PolicyName"], request["PolicyDocument"]
            )

    @operation("iam", "GetRolePolicy", resources=named_role)
    def get_policy(self, call: Call, request: t.GetRolePolicyRequestTypeDef) -> Mapping[str, Any]:
        """GetRolePolicy."""
        with self._database.reading() as session:
            role = roles.get(session, call.account, request["RoleName"])
            policy = inline_policies.get(session, "role", role.unique_id, request["PolicyName"])
            return {
                "RoleName": role.name,
                "PolicyName": policy.name,
                "PolicyDocument": quote(policy.document, safe=""),
            }

    @operation("iam", "ListRolePolicies", resources=named_role)
    def list_policies(self, call: Call, request: t.ListRolePoliciesRequestTypeDef) -> Mapping[str, Any]:
        """ListRolePolicies."""
        with self._database.reading() as session:
            role = roles.get(session, call.account, request["RoleName"])
            names, more = page(inline_policies.names(session, role.unique_id), call.parameters, str)
            return {"PolicyNames": names, **more}

    @operation("iam", "DeleteRolePolicy", resources=named_role)
    def delete_policy(self, call: Call, request: t.DeleteRolePolicyRequestTypeDef) -> None:
        """DeleteRolePolicy."""
        with self._database.transaction() as session:
            role = roles.get(session, call.account, request["RoleName"])
            inline_policies.delete(session, "role", role.unique_id, request["PolicyName"])

    @operation("iam", "ListAttachedRolePolicies", resources=named_role)
    def list_attached(self, call: Call, request: t.ListAttachedRolePoliciesRequestTypeDef) -> Mapping[str, Any]:
        """ListAttachedRolePolicies: there are no managed policies yet, hence none is attached."""
        with self._database.reading() as session:
            roles.get(session, call.account, request["RoleName"])
            return {"AttachedPolicies": [], "IsTruncated": False}

    @operation("iam", "ListInstanceProfilesForRole", resources=named_role)
    def list_profiles(self, call: Call, request: t.ListInstanceProfilesForRoleRequestTypeDef) -> Mapping[str, Any]:
        """ListInstanceProfilesForRole: there are no instance profiles yet, hence none holds the role."""
        with self._database.reading() as session:
            roles.get(session, call.account, request["RoleName"])
            return {"InstanceProfiles": [], "IsTruncated": False}


def refuse_boundary(call: Call) -> None:
    """Raise ``NoSuchEntity`` for a permissions boundary: it is a managed policy, and there are none."""
    boundary = call.parameters.get("PermissionsBoundary")
    if boundary is not None:
        raise NoSuchEntity("policy", boundary)
