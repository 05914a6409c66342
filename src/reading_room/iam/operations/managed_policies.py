"""IAM operations on managed policies and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam import attached_policies, entities, managed_policies
from reading_room.iam.attached_policies import Owner
from reading_room.iam.managed_policies import Version
from reading_room.iam.operations.addressing import every_policy, named_policy, new_policy, own_policy
from reading_room.iam.operations.structures import USAGES, listed_policy, policy_structure, version_structure
from reading_room.iam.pagination import page
from reading_room.iam.tables import Group, Role, User
from reading_room.iam.tags import tag_context

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_ENTITIES: tuple[tuple[str, str, str, type[User] | type[Group] | type[Role]], ...] = (
    ("Group", "PolicyGroups", "GroupName", Group),
    ("Role", "PolicyRoles", "RoleName", Role),
    ("User", "PolicyUsers", "UserName", User),
)


class ManagedPolicyOperations:
    """CreatePolicy and the other operations on managed policies."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @operation("iam", "CreatePolicy", resources=new_policy, context=tag_context)
    def create(self, call: Call, request: t.CreatePolicyRequestTypeDef) -> Mapping[str, Any]:
        """CreatePolicy. Like AWS's, the answer has no description, and tags only if there are any."""
        with self._database.transaction() as session:
            policy = managed_policies.create(
                session,
                call.account,
                request["PolicyName"],
                request["PolicyDocument"],
                self._clock(),
                path=request.get("Path", "/"),
                description=request.get("Description"),
                tags=call.parameters.get("Tags") or (),
            )
            structure = policy_structure(session, call.account, policy)
            hidden = {"Description"} if structure.get("Tags") else {"Description", "Tags"}
            return {"Policy": {name: value for name, value in structure.items() if name not in hidden}}

    @operation("iam", "GetPolicy", resources=named_policy)
    def get(self, call: Call, request: t.GetPolicyRequestTypeDef) -> Mapping[str, Any]:
        """GetPolicy."""
        with self._database.reading() as session:
            policy = managed_policies.get(session, call.account, request["PolicyArn"])
            return {"Policy": policy_structure(session, call.account, policy)}

    @operation("iam", "ListPolicies", resources=every_policy)
    def list(self, call: Call, request: t.ListPoliciesRequestTypeDef) -> Mapping[str, Any]:
        """ListPolicies: all in a scope, or only those that are attached or are permissions boundaries."""
        usage = request.get("PolicyUsageFilter")
        with self._database.reading() as session:
            attached, bounding = (managed_policies.uses(session, call.account, usage) for usage in USAGES)
            found = managed_policies.every(
                session, call.account, request.get("Scope", "All"), request.get("PathPrefix", "/")
            )
            if usage is not None or request.get("OnlyAttached"):
                used = bounding if usage == "PermissionsBoundary" else attached
                found = [policy for policy in found if used[policy.arn]]
            shown, more = page(found, call.parameters, lambda policy: policy.arn)
            entries = [listed_policy(policy, attached[policy.arn], bounding[policy.arn]) for policy in shown]
            return {"Policies": entries, **more}

    @operation("iam", "DeletePolicy", resources=named_policy)
    def delete(self, call: Call, request: t.DeletePolicyRequestTypeDef) -> None:
        """DeletePolicy."""
        with self._database.transaction() as session:
            managed_policies.delete(session, own_policy(session, call))

    @operation("iam", "CreatePolicyVersion", resources=named_policy)
    def create_version(self, call: Call, request: t.CreatePolicyVersionRequestTypeDef) -> Mapping[str, Any]:
        """CreatePolicyVersion."""
        with self._database.transaction() as session:
            policy = own_policy(session, call)
            version = managed_policies.create_version(
                session, policy, request["PolicyDocument"], self._clock(), default=request.get("SetAsDefault", False)
            )
            return {"PolicyVersion": version_structure(policy, version)}

    @operation("iam", "GetPolicyVersion", resources=named_policy)
    def get_version(self, call: Call, request: t.GetPolicyVersionRequestTypeDef) -> Mapping[str, Any]:
        """GetPolicyVersion."""
        with self._database.reading() as session:
            policy = managed_policies.get(session, call.account, request["PolicyArn"])
            version = managed_policies.version_of(policy, request["VersionId"])
            return {"PolicyVersion": version_structure(policy, version, document=True)}

    @operation("iam", "ListPolicyVersions", resources=named_policy)
    def list_versions(self, call: Call, request: t.ListPolicyVersionsRequestTypeDef) -> Mapping[str, Any]:
        """ListPolicyVersions: newest first."""
        with self._database.reading() as session:
            policy = managed_policies.get(session, call.account, request["PolicyArn"])
            versions: Sequence[Version] = policy.versions
            newest_first = sorted(versions, key=lambda version: version.number, reverse=True)
            # A marker is the last name returned; the following ones must sort after it.
            shown, more = page(newest_first, call.parameters, lambda version: f"{10**9 - version.number:010}")
            return {"Versions": [version_structure(policy, version) for version in shown], **more}

    @operation("iam", "SetDefaultPolicyVersion", resources=named_policy)
    def set_default(self, call: Call, request: t.SetDefaultPolicyVersionRequestTypeDef) -> None:
        """SetDefaultPolicyVersion: takes effect with the next request of each entity that has the policy."""
        with self._database.transaction() as session:
            managed_policies.set_default(own_policy(session, call), request["VersionId"])

    @operation("iam", "DeletePolicyVersion", resources=named_policy)
    def delete_version(self, call: Call, request: t.DeletePolicyVersionRequestTypeDef) -> None:
        """DeletePolicyVersion."""
        with self._database.transaction() as session:
            managed_policies.delete_version(session, own_policy(session, call), request["VersionId"])

    @operation("iam", "ListEntitiesForPolicy", resources=named_policy)
    def list_entities(self, call: Call, request: t.ListEntitiesForPolicyRequestTypeDef) -> Mapping[str, Any]:
        """ListEntitiesForPolicy: the groups, roles and users with a policy or boundary, in one series of pages."""
        arn, prefix = request["PolicyArn"], request.get("PathPrefix", "/")
        usage, wanted = request.get("PolicyUsageFilter"), request.get("EntityFilter")
        with self._database.reading() as session:
            managed_policies.get(session, call.account, arn)
            found: list[tuple[str, Owner]] = []
            holders = attached_policies.owners_of(session, call.account, arn)
            for kind, member, _, model in _ENTITIES:
                if wanted in (None, kind):
                    rows: Sequence[Owner] = entities.every(session, model, call.account, prefix)
                    found.extend((member, row) for row in rows if _uses(row, arn, usage, row.unique_id in holders))
            found.sort(key=_place)
            shown, more = page(found, call.parameters, _place)
            answer: dict[str, Any] = {**more}
            for kind, member, name, _ in _ENTITIES:
                answer[member] = [
                    {name: row.name, f"{kind}Id": row.unique_id} for place, row in shown if place == member
                ]
            return answer


def _place(entry: tuple[str, Owner]) -> str:
    return f"{entry[0]}/{entry[1].name}"


def _uses(row: Owner, arn: str, usage: str | None, holds: bool) -> bool:
    bounded = not isinstance(row, Group) and row.boundary == arn
    if usage is None:
        # Without a filter, AWS lists all uses of a policy.
        return holds or bounded
    return holds if usage == "PermissionsPolicy" else bounded
