"""GetAccountAuthorizationDetails: an account's users, groups, roles and policies in full, in one series of pages.

A page reads the names of all entities, and details only of those on the page. The number of queries does not grow with
the account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.iam import attached_policies, entities, groups, inline_policies, instance_profiles, managed_policies
from reading_room.iam.attached_policies import Owner
from reading_room.iam.aws_managed import AWS_MANAGED
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.structures import (
    USAGES,
    attached_structures,
    boundary_structure,
    encoded,
    group_structure,
    last_used_structure,
    listed_policy,
    listed_roles,
    listed_user,
    profile_structures,
    version_structure,
)
from reading_room.iam.pagination import page
from reading_room.iam.tables import Group, Role, User
from reading_room.iam.tags import tags_of

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_ONLY_IN_ROLE = ("Description", "MaxSessionDuration")
"""Members of Role that RoleDetail does not have."""


@dataclass(frozen=True, slots=True)
class Details:
    """One kind of entity: its member of the response, all names in order, and the structures for given names."""

    member: str
    names: Callable[[Session, str], Sequence[str]]
    structures: Callable[[Session, str, Sequence[str]], Iterator[dict[str, Any]]]


class AccountDetailOperations:
    """GetAccountAuthorizationDetails."""

    def __init__(self, database: Database, key_uses: KeyUses) -> None:
        self._database = database
        self._key_uses = key_uses

    @operation("iam", "GetAccountAuthorizationDetails")
    def details(self, call: Call, request: t.GetAccountAuthorizationDetailsRequestTypeDef) -> Mapping[str, Any]:
        """GetAccountAuthorizationDetails."""
        filters = frozenset(request.get("Filter") or _DETAILS)
        answer: dict[str, list[dict[str, Any]]] = {details.member: [] for details in _DETAILS.values()}
        with self._database.reading() as session:
            places = [
                f"{number}/{name}"
                for number, (kind, details) in enumerate(_DETAILS.items())
                if kind in filters
                for name in details.names(session, call.account)
            ]
            shown, more = page(places, call.parameters, str)
            for number, details in enumerate(_DETAILS.values()):
                names = [place.partition("/")[2] for place in shown if place.startswith(f"{number}/")]
                if names:
                    answer[details.member].extend(details.structures(session, call.account, names))
        roles = answer["RoleDetailList"]
        uses = self._key_uses.last_of_roles([role["RoleId"] for role in roles])
        for role in roles:
            role.update(last_used_structure(uses.get(role["RoleId"])))
        return {**answer, **more}


def _users(session: Session, account: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    users = entities.named(session, User, account, names)
    groups_of = groups.names_by_user(session, [user.unique_id for user in users])
    for user, (inline, attached) in zip(users, _policies_of(session, users), strict=True):
        yield {
            **listed_user(user),
            "UserPolicyList": inline,
            "GroupList": groups_of[user.unique_id],
            "AttachedManagedPolicies": attached,
            **boundary_structure(user),
            "Tags": tags_of(user.tags),
        }


def _groups(session: Session, account: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    rows = entities.named(session, Group, account, names)
    for group, (inline, attached) in zip(rows, _policies_of(session, rows), strict=True):
        yield {**group_structure(group), "GroupPolicyList": inline, "AttachedManagedPolicies": attached}


def _roles(session: Session, account: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    roles = entities.named(session, Role, account, names)
    listed = listed_roles(session, roles)
    profiles_of = instance_profiles.of_roles(session, [role.unique_id for role in roles])
    profiles = [profile for role in roles for profile in profiles_of[role.unique_id]]
    profile_details = dict(
        zip((profile.unique_id for profile in profiles), profile_structures(session, profiles), strict=True)
    )
    for role, structure, (inline, attached) in zip(roles, listed, _policies_of(session, roles), strict=True):
        yield {
            **{name: value for name, value in structure.items() if name not in _ONLY_IN_ROLE},
            "InstanceProfileList": [profile_details[profile.unique_id] for profile in profiles_of[role.unique_id]],
            "RolePolicyList": inline,
            "AttachedManagedPolicies": attached,
            **boundary_structure(role),
            "Tags": tags_of(role.tags),
        }


def _policies_of(
    session: Session, owners: Sequence[Owner]
) -> Iterator[tuple[list[dict[str, str]], list[dict[str, Any]]]]:
    """Yield the structures of each owner's inline policies and attached policies."""
    ids = [owner.unique_id for owner in owners]
    inline, attached = inline_policies.of_owners(session, ids), attached_policies.arns_of_owners(session, ids)
    for owner_id in ids:
        structures = [{"PolicyName": row.name, "PolicyDocument": encoded(row.document)} for row in inline[owner_id]]
        yield structures, attached_structures(attached[owner_id])


def _used_policies_of_aws(session: Session, account: str) -> Sequence[str]:
    attached, bounding = (managed_policies.uses(session, account, usage) for usage in USAGES)
    return [arn for arn in AWS_MANAGED if attached[arn] or bounding[arn]]


def _policies(session: Session, account: str, arns: Sequence[str]) -> Iterator[dict[str, Any]]:
    attached, bounding = (managed_policies.uses(session, account, usage) for usage in USAGES)
    for policy in managed_policies.with_versions(session, account, arns):
        versions = [version_structure(policy, version, document=True) for version in policy.versions]
        detail = {**listed_policy(policy, attached[policy.arn], bounding[policy.arn]), "PolicyVersionList": versions}
        yield detail if policy.description is None else {**detail, "Description": policy.description}


_DETAILS: Mapping[str, Details] = {
    "User": Details("UserDetailList", lambda session, account: entities.names(session, User, account), _users),
    "Group": Details("GroupDetailList", lambda session, account: entities.names(session, Group, account), _groups),
    "Role": Details("RoleDetailList", lambda session, account: entities.names(session, Role, account), _roles),
    "LocalManagedPolicy": Details("Policies", managed_policies.own_arns, _policies),
    "AWSManagedPolicy": Details("Policies", _used_policies_of_aws, _policies),
}
"""The values of a filter, in the order of the pages."""
