"""IAM operations on kinds of credentials that cannot be made here: of each kind a user has none.

Tools ask for them before they delete a user by force, and need the true answer.
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
"""The member that holds the list of each operation."""


class OtherCredentialOperations:
    """Lists of MFA devices, SSH keys, certificates and service credentials, and passwords for the console."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bound_operations(self) -> Iterator[BoundOperation]:
        """Yield the lists of what one user has."""
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
        """ListVirtualMFADevices: of the whole account."""
        return {"VirtualMFADevices": [], "IsTruncated": False}

    @operation("iam", "GetLoginProfile", resources=user_or_caller)
    def get_login(self, call: Call, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """GetLoginProfile: nobody has one."""
        with self._database.reading() as session:
            raise NoSuchLoginProfile(user_of(session, call).name)

    @operation("iam", "DeleteLoginProfile", resources=user_or_caller)
    def delete_login(self, call: Call, request: Mapping[str, Any]) -> None:
        """DeleteLoginProfile: nobody has one."""
        with self._database.reading() as session:
            raise NoSuchLoginProfile(user_of(session, call).name)
