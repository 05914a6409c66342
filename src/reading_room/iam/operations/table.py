"""All operations of IAM, for the table of operations."""

from __future__ import annotations

from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.access_keys import AccessKeyOperations
from reading_room.iam.operations.account import AccountOperations
from reading_room.iam.operations.account_details import AccountDetailOperations
from reading_room.iam.operations.groups import GroupOperations
from reading_room.iam.operations.instance_profiles import InstanceProfileOperations
from reading_room.iam.operations.managed_policies import ManagedPolicyOperations
from reading_room.iam.operations.other_credentials import OtherCredentialOperations
from reading_room.iam.operations.owned_policies import OwnedPolicyOperations
from reading_room.iam.operations.roles import RoleOperations
from reading_room.iam.operations.service_access import ServiceAccessOperations
from reading_room.iam.operations.simulate import SimulationOperations
from reading_room.iam.operations.tagging import TagOperations
from reading_room.iam.operations.users import UserOperations
from reading_room.iam.organization import Organizations, no_organization


def iam_operations(
    database: Database, clock: Clock, key_uses: KeyUses, organization: Organizations = no_organization
) -> tuple[object, ...]:
    """Return the objects that implement IAM's operations."""
    return (
        UserOperations(database, clock),
        AccessKeyOperations(database, clock, key_uses),
        GroupOperations(database, clock),
        RoleOperations(database, clock, key_uses),
        InstanceProfileOperations(database, clock),
        OwnedPolicyOperations(database),
        ManagedPolicyOperations(database, clock),
        TagOperations(database),
        OtherCredentialOperations(database),
        ServiceAccessOperations(database),
        AccountOperations(database),
        AccountDetailOperations(database, key_uses),
        SimulationOperations(database, organization),
    )
