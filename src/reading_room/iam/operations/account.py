"""IAM operations on an account as a whole: its alias and its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.database.engine import Database
from reading_room.iam import account_aliases, entities, groups, inline_policies, managed_policies, roles, users
from reading_room.iam.attached_policies import ATTACHED_PER_OWNER
from reading_room.iam.pagination import page
from reading_room.iam.tables import Group, InstanceProfile, ManagedPolicy, PolicyVersion, Role, User

if TYPE_CHECKING:
    from mypy_boto3_iam import type_defs as t

_VERSIONS_IN_USE_QUOTA = 10_000


class AccountOperations:
    """GetAccountSummary and the operations on aliases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation("iam", "CreateAccountAlias")
    def create_alias(self, call: Call, request: t.CreateAccountAliasRequestTypeDef) -> None:
        """CreateAccountAlias: replaces an earlier alias."""
        with self._database.transaction() as session:
            account_aliases.create(session, call.account, request["AccountAlias"])

    @operation("iam", "DeleteAccountAlias")
    def delete_alias(self, call: Call, request: t.DeleteAccountAliasRequestTypeDef) -> None:
        """DeleteAccountAlias."""
        with self._database.transaction() as session:
            account_aliases.delete(session, call.account, request["AccountAlias"])

    @operation("iam", "ListAccountAliases")
    def list_aliases(self, call: Call, request: t.ListAccountAliasesRequestTypeDef) -> Mapping[str, Any]:
        """ListAccountAliases: at most one."""
        with self._database.reading() as session:
            shown, more = page(account_aliases.of(session, call.account), call.parameters, str)
            return {"AccountAliases": shown, **more}

    @operation("iam", "GetAccountSummary")
    def summary(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetAccountSummary: the number of each kind of entity, and the quotas."""
        with self._database.reading() as session:
            counts = {model: entities.count(session, model, call.account) for model in entities.QUOTAS}
            versions = session.scalar(
                select(func.count()).select_from(PolicyVersion).join(ManagedPolicy).filter_by(account=call.account)
            )
        return {
            "SummaryMap": {
                "Users": counts[User],
                "UsersQuota": entities.QUOTAS[User][1],
                "Groups": counts[Group],
                "GroupsQuota": entities.QUOTAS[Group][1],
                "Roles": counts[Role],
                "RolesQuota": entities.QUOTAS[Role][1],
                "InstanceProfiles": counts[InstanceProfile],
                "InstanceProfilesQuota": entities.QUOTAS[InstanceProfile][1],
                "Policies": counts[ManagedPolicy],
                "PoliciesQuota": entities.QUOTAS[ManagedPolicy][1],
                "PolicyVersionsInUse": versions or 0,
                "PolicyVersionsInUseQuota": _VERSIONS_IN_USE_QUOTA,
                "VersionsPerPolicyQuota": managed_policies.VERSIONS_PER_POLICY,
                "PolicySizeQuota": managed_policies.SIZE_LIMIT,
                "UserPolicySizeQuota": inline_policies.SIZE_LIMITS["user"],
                "GroupPolicySizeQuota": inline_policies.SIZE_LIMITS["group"],
                "RolePolicySizeQuota": inline_policies.SIZE_LIMITS["role"],
                "AssumeRolePolicySizeQuota": roles.TRUST_POLICY_LIMIT,
                "AttachedPoliciesPerUserQuota": ATTACHED_PER_OWNER,
                "AttachedPoliciesPerGroupQuota": ATTACHED_PER_OWNER,
                "AttachedPoliciesPerRoleQuota": ATTACHED_PER_OWNER,
                "GroupsPerUserQuota": groups.GROUPS_PER_USER,
                "AccessKeysPerUserQuota": users.KEYS_PER_USER,
                # None of these can be created here.
                "AccountAccessKeysPresent": 0,
                "AccountMFAEnabled": 0,
                "AccountPasswordPresent": 0,
                "AccountSigningCertificatesPresent": 0,
                "MFADevices": 0,
                "MFADevicesInUse": 0,
                "Providers": 0,
                "ServerCertificates": 0,
                "ServerCertificatesQuota": 20,
                "SigningCertificatesPerUserQuota": 2,
            }
        }
