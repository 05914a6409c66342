"""EC2's errors about VPCs and their blocks."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterValue, OperationNotPermitted
from reading_room.vpc.not_found import NotFound


class BlockConflictsWithVpc(Ec2Error):
    """A block to add overlaps a block of the VPC."""

    code = "InvalidVpc.Range"

    def __init__(self, cidr: str, other: str) -> None:
        super().__init__(f"The CIDR '{cidr}' conflicts with the CIDR '{other}' of the VPC.")


class BlockRestricted(Ec2Error):
    """A block to add must not be in the same VPC as one of its blocks."""

    code = "InvalidVpc.Range"

    def __init__(self, cidr: str, other: str) -> None:
        super().__init__(
            f"The CIDR '{cidr}' is restricted. Use a CIDR from the same private address range as '{other}'."
        )


class BlockConflictsWithRoute(Ec2Error):
    """A block to add is equal to, or larger than, the destination of a route of the VPC."""

    code = "InvalidVpc.Range"

    def __init__(self, cidr: str, destination: str) -> None:
        super().__init__(f"The CIDR '{cidr}' contains '{destination}', to which a route of the VPC leads.")


class TooManyBlocks(Ec2Error):
    """The VPC has as many blocks as its quota allows."""

    code = "CidrLimitExceeded"

    def __init__(self, vpc_id: str, limit: int) -> None:
        super().__init__(f"This network {vpc_id} has met its maximum number of allowed CIDRs: {limit}")


class BlockAssociationNotFound(NotFound):
    """The account has no such block of a VPC."""

    code = "InvalidVpcCidrBlockAssociationID.NotFound"
    words = "The vpc CIDR block association ID"


class PrimaryBlock(OperationNotPermitted):
    """The primary block of a VPC cannot be removed."""

    def __init__(self, association_id: str) -> None:
        super().__init__(
            f"The vpc CIDR block with association ID {association_id} may not be disassociated. "
            "It is the primary IPv4 CIDR block of the VPC"
        )


class BlockInUse(Ec2Error):
    """A subnet uses the block."""

    code = "DependencyViolation"

    def __init__(self, association_id: str, subnet_id: str) -> None:
        super().__init__(
            f"The vpc CIDR block with association ID {association_id} may not be disassociated. "
            f"It contains the subnet {subnet_id}"
        )


class InvalidVpcRange(Ec2Error):
    """A VPC's block is larger than /16, smaller than /28, or in a range that no VPC can have."""

    code = "InvalidVpc.Range"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The CIDR '{cidr}' is invalid.")


class DnsHostnamesNeedSupport(InvalidParameterValue):
    """enableDnsHostnames was switched on while enableDnsSupport is off."""

    def __init__(self) -> None:
        super().__init__("enableDnsHostnames", "true", "enableDnsSupport must be true as well.")


class DefaultVpcAlreadyExists(Ec2Error):
    """The account already has a default VPC."""

    code = "DefaultVpcAlreadyExists"

    def __init__(self) -> None:
        super().__init__("A Default VPC already exists for this account in this region.")
