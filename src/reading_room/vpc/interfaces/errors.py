"""EC2's errors about network interfaces."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error
from reading_room.vpc.not_found import MalformedId, NotFound


class AddressAssigned(Ec2Error):
    """An address is already assigned to the interface."""

    code = "Resource.AlreadyAssigned"

    def __init__(self, address: str, interface_id: str) -> None:
        super().__init__(f"The address {address} is already assigned to interface {interface_id}.")


class AddressNotAssigned(Ec2Error):
    """An address to unassign is not an address of the interface."""

    code = "InvalidParameterValue"

    def __init__(self, address: str, interface_id: str) -> None:
        super().__init__(f"Some of [{address}] are not assigned to interface {interface_id}")


class PrimaryAddress(Ec2Error):
    """The primary address of an interface cannot be unassigned."""

    code = "InvalidParameterValue"

    def __init__(self, address: str, interface_id: str) -> None:
        super().__init__(f"{address} is the primary address of interface {interface_id} and cannot be unassigned.")


class DifferentNetworks(Ec2Error):
    """A security group and a subnet are in different VPCs."""

    code = "InvalidParameter"

    def __init__(self, group_id: str, subnet_id: str) -> None:
        super().__init__(f"Security group {group_id} and subnet {subnet_id} belong to different networks.")


class NetworkInterfaceInUse(Ec2Error):
    """An attached interface cannot be deleted or attached again."""

    code = "InvalidParameterValue"

    def __init__(self, interface_id: str) -> None:
        super().__init__(f"Network interface '{interface_id}' is currently in use.")


class InterfaceManagedByService(Ec2Error):
    """Customers cannot change an attachment that the service made."""

    code = "OperationNotPermitted"

    def __init__(self) -> None:
        super().__init__("You are not allowed to manage 'ela-attach' attachments.")


class AttachmentNotFound(NotFound):
    """The network interface attachment does not exist."""

    code = "InvalidAttachmentID.NotFound"
    words = "The attachment ID"


class InstanceNotFound(NotFound):
    """The instance does not exist: there are no instances here."""

    code = "InvalidInstanceID.NotFound"
    words = "The instance ID"


class PermissionExists(Ec2Error):
    """The account already has this permission on the interface."""

    code = "InvalidParameterValue"

    def __init__(self, interface_id: str, account: str) -> None:
        super().__init__(f"Account {account} already has this permission on '{interface_id}'")


def attachment_error(attachment_id: str) -> Ec2Error:
    """Return the error for changing an attachment: the service made it, or it does not exist."""
    if attachment_id.startswith("ela-attach-"):
        return InterfaceManagedByService()
    if attachment_id.startswith("eni-attach-"):
        return AttachmentNotFound(attachment_id)
    return MalformedId("InvalidAttachmentID.Malformed", attachment_id, "eni-attach")
