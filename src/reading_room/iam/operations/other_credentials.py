"""IAM operations on kinds of credentials that cannot be created here, so that no user has any.

Tools list them before they force the deletion of a user, and need a correct response.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from reading_room.aws.call import Call
from reading_room.aws.operations import BoundOperation, OperationFacts, any_resource, no_context, operation
from reading_room.database.engine import Database
from reading_room.iam.errors import NoSuchLoginProfile
from reading_room.iam.operations.addressing import user_of, user_or_caller

_EMPTY = {
    "ListMFADevices": "MFADevices",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListSigningCertificates": "Certificates",
}
"""The member that holds the list, by operation."""


class OtherCredentialOperations:
    """Lists MFA devices, SSH keys, certificates, service credentials and console passwords."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield the list operations on a single user."""
        for name, member in _EMPTY.items():
            facts = OperationFacts("iam", name, f"iam:{name}", user_or_caller, no_context, None, True)
            yield BoundOperation(facts, partial(self._list, member))

    def _list(self, member: str, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if not request.get("AllUsers"):
            with self._database.reading() as session:
                user_of(session, call)
        return {member: [], "IsTruncated": False}

    @operation("iam", "ListVirtualMFADevices", resources=any_resource)
    def list_virtual(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """ListVirtualMFADevices, which lists those of the account."""
        return {"VirtualMFADevices": [], "IsTruncated": False}

    @operation("iam", "GetLoginProfile", resources=user_or_caller)
    def get_login(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetLoginProfile: no user has one."""
        with self._database.reading() as session:
            raise NoSuchLoginProfile(user_of(session, call).name)

    @operation("iam", "DeleteLoginProfile", resources=user_or_caller)
    def delete_login(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeleteLoginProfile: no user has one."""
        with self._database.reading() as session:
            raise NoSuchLoginProfile(user_of(session, call).name)
