"""IAM's response structures, made from rows. Policies in responses are percent-encoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.iam import managed_policies
from reading_room.iam.attached_policies import Bounded
from reading_room.iam.key_uses import Use
from reading_room.iam.managed_policies import Managed, Version
from reading_room.iam.principals import pinned_arns, shown_principals
from reading_room.iam.tables import Group, InstanceProfile, ManagedPolicy, Named, Role, User
from reading_room.iam.tags import tags_of


def encoded(document: str) -> str:
    """Return a policy percent-encoded (RFC 3986), as responses hold it."""
    return quote(document, safe="")


def listed_user(user: User) -> dict[str, Any]:
    """Return the User structure for lists, without tags and boundary, as AWS documents."""
    return {**_named(user), "UserName": user.name, "UserId": user.unique_id}


def user_structure(user: User) -> dict[str, Any]:
    """Return IAM's User structure."""
    return {**listed_user(user), **_tags_and_boundary(user)}


def group_structure(group: Group) -> dict[str, Any]:
    """Return IAM's Group structure."""
    return {**_named(group), "GroupName": group.name, "GroupId": group.unique_id}


def listed_roles(session: Session, roles: Sequence[Role]) -> list[dict[str, Any]]:
    """Return the Role structures for lists, without tags and boundary, as AWS documents."""
    arns = pinned_arns(session, [role.pinned_trust_policy for role in roles])
    return [_listed_role(role, shown_principals(role.trust_policy, role.pinned_trust_policy, arns)) for role in roles]


def _listed_role(role: Role, trust: str) -> dict[str, Any]:
    structure: dict[str, Any] = {
        **_named(role),
        "RoleName": role.name,
        "RoleId": role.unique_id,
        "AssumeRolePolicyDocument": encoded(trust),
        "MaxSessionDuration": role.max_session_duration,
    }
    if role.description is not None:
        structure["Description"] = role.description
    return structure


def role_structure(session: Session, role: Role) -> dict[str, Any]:
    """Return IAM's Role structure."""
    (listed,) = listed_roles(session, [role])
    return {**listed, **_tags_and_boundary(role)}


def last_used_structure(use: Use | None) -> dict[str, Any]:
    """Return the RoleLastUsed member, which is empty for a role that was never used."""
    return {"RoleLastUsed": {} if use is None else {"LastUsedDate": use.used_at, "Region": use.region}}


_ONLY_OF_ROLES = ("Description", "MaxSessionDuration")
"""Members of a role that an instance profile omits."""


def profile_structures(session: Session, profiles: Sequence[InstanceProfile]) -> list[dict[str, Any]]:
    """Return the InstanceProfile structures for lists, without tags and without ``_ONLY_OF_ROLES``."""
    role_ids = {profile.role_id for profile in profiles if profile.role_id is not None}
    roles = session.scalars(select(Role).where(Role.unique_id.in_(role_ids))).all() if role_ids else []
    shown = {
        structure["RoleId"]: {name: value for name, value in structure.items() if name not in _ONLY_OF_ROLES}
        for structure in listed_roles(session, roles)
    }
    return [
        {
            **_named(profile),
            "InstanceProfileName": profile.name,
            "InstanceProfileId": profile.unique_id,
            "Roles": [] if profile.role_id is None else [shown[profile.role_id]],
        }
        for profile in profiles
    ]


def listed_policy(policy: Managed, attached: int, bounding: int) -> dict[str, Any]:
    """Return the Policy structure for lists, without description and tags, as AWS documents."""
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.unique_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }


def policy_structure(session: Session, account: str, policy: Managed) -> dict[str, Any]:
    """Return IAM's Policy structure, with the counts of one account."""
    attached, bounding = (managed_policies.uses(session, account, usage)[policy.arn] for usage in USAGES)
    structure = listed_policy(policy, attached, bounding)
    if policy.description is not None:
        structure["Description"] = policy.description
    # AWS managed policies have no tags, not even an empty list.
    if isinstance(policy, ManagedPolicy):
        structure["Tags"] = tags_of(policy.tags)
    return structure


USAGES: tuple[managed_policies.Usage, managed_policies.Usage] = ("attached", "boundary")
"""The two ways to use a managed policy, in the order of ``listed_policy``."""


def version_structure(policy: Managed, version: Version, *, document: bool = False) -> dict[str, Any]:
    """Return IAM's PolicyVersion structure; lists and CreatePolicyVersion omit the document."""
    structure: dict[str, Any] = {
        "VersionId": f"v{version.number}",
        "IsDefaultVersion": version.number == policy.default_version,
        "CreateDate": version.created_at,
    }
    return {"Document": encoded(version.document), **structure} if document else structure


def attached_structures(arns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the AttachedPolicy structures of managed policies."""
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]


def boundary_structure(owner: Bounded) -> dict[str, Any]:
    """Return the PermissionsBoundary member, if any. AWS returns the type ``Policy``, unlike its own model."""
    if owner.boundary is None:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": owner.boundary}}


def _named(row: Named) -> dict[str, Any]:
    return {"Path": row.path, "Arn": row.arn, "CreateDate": row.created_at}


def _tags_and_boundary(owner: Bounded) -> dict[str, Any]:
    tags = tags_of(owner.tags)
    return {**boundary_structure(owner), **({"Tags": tags} if tags else {})}
