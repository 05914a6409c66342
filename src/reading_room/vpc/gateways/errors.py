"""EC2's errors about internet gateways, NAT gateways and Elastic IP addresses."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterValue


class NetworkHasInternetGateway(Ec2Error):
    """A VPC already has an internet gateway; it can have only one."""

    code = "InvalidParameterValue"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(f"Network {vpc_id} already has an internet gateway attached")


class InternetGatewayAttached(Ec2Error):
    """An internet gateway is already attached; it can be attached to only one VPC."""

    code = "Resource.AlreadyAssociated"

    def __init__(self, gateway_id: str, vpc_id: str) -> None:
        super().__init__(f"resource {gateway_id} is already attached to network {vpc_id}")


class InternetGatewayNotAttached(Ec2Error):
    """An internet gateway to detach is not attached to the VPC."""

    code = "Gateway.NotAttached"

    def __init__(self, gateway_id: str, vpc_id: str) -> None:
        super().__init__(f"resource {gateway_id} is not attached to network {vpc_id}")


class NetworkHasNoInternetGateway(Ec2Error):
    """A public address needs an internet gateway attached to its VPC."""

    code = "Gateway.NotAttached"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(f"Network {vpc_id} is not attached to any internet gateway")


class PublicAddressesMapped(Ec2Error):
    """The internet gateway of a VPC cannot be detached while something in the VPC has a public address."""

    code = "DependencyViolation"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(
            f"Network {vpc_id} has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        )


class AddressNotFound(Ec2Error):
    """The account has no such Elastic IP address, or cannot get it again."""

    code = "InvalidAddress.NotFound"

    def __init__(self, address: str) -> None:
        super().__init__(f"Address '{address}' not found.")


class InsufficientAddressCapacity(Ec2Error):
    """Every address of the pool is allocated."""

    code = "InsufficientAddressCapacity"
    status = 503

    def __init__(self, pool: str) -> None:
        super().__init__(f"There are not enough free addresses to satisfy your request: all of {pool} are in use.")


class ResourceAlreadyAssociated(Ec2Error):
    """An Elastic IP address, or the private address to associate it with, has another association."""

    code = "Resource.AlreadyAssociated"

    def __init__(self, resource_id: str, association_id: str) -> None:
        super().__init__(f"resource {resource_id} is already associated with associate-id {association_id}")


class ElasticAddressInUse(Ec2Error):
    """An associated Elastic IP address cannot be released."""

    code = "InvalidIPAddress.InUse"

    def __init__(self, address: str) -> None:
        super().__init__(f"Address {address} is in use.")


class NotAnAddressOfInterface(InvalidParameterValue):
    """A private address is not one of the interface's."""

    def __init__(self, address: str, interface_id: str) -> None:
        super().__init__("privateIpAddress", address, f"It is not an address of {interface_id}.")


class AllocationIdNeededToRelease(Ec2Error):
    """ReleaseAddress was called with PublicIp, which is for EC2-Classic."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("You must specify an allocation id when releasing a VPC elastic IP address")


class AssociationIdNeeded(Ec2Error):
    """DisassociateAddress was called with PublicIp, which is for EC2-Classic."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("You must specify an association id when unmapping an address from a VPC instance")


class NatGatewayNotAvailable(Ec2Error):
    """The addresses of a NAT gateway can change only while it is available."""

    code = "IncorrectState"

    def __init__(self, nat_gateway_id: str, state: str) -> None:
        super().__init__(f"NatGateway {nat_gateway_id} is in the state {state}, not available")


class WrongConnectivity(InvalidParameterValue):
    """The call is for the other kind of NAT gateway: public ones have Elastic IP addresses, private ones do not."""

    def __init__(self, nat_gateway_id: str, connectivity: str, expected: str) -> None:
        super().__init__(
            "natGatewayId", nat_gateway_id, f"Its connectivity type is {connectivity}; this needs a {expected} one."
        )


class PrimaryAssociationStays(InvalidParameterValue):
    """The first Elastic IP address of a public NAT gateway cannot be disassociated."""

    def __init__(self, association_id: str) -> None:
        super().__init__("associationIds", association_id, "The primary address cannot be taken from a NAT gateway.")
