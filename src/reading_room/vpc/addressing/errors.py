"""EC2's errors about subnets, private addresses and prefix lists."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination, InvalidParameterValue, OperationNotPermitted


class DefaultVpcDoesNotExist(Ec2Error):
    """A default subnet was requested, but the account has no default VPC."""

    code = "DefaultVpcDoesNotExist"

    def __init__(self) -> None:
        super().__init__("No default VPC exists for this account in this region.")


class DefaultSubnetAlreadyExists(Ec2Error):
    """The zone already has its default subnet."""

    code = "DefaultSubnetAlreadyExistsInAvailabilityZone"

    def __init__(self, subnet_id: str, zone: str) -> None:
        super().__init__(f"'{subnet_id}' is already the default subnet in {zone}.")


class NoRoomForDefaultSubnet(Ec2Error):
    """The default VPC has no free block of the size of a default subnet."""

    code = "InsufficientCidrBlocks"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(f"The VPC {vpc_id} has no free /20 CIDR block for a default subnet.")


class InvalidSubnetRange(Ec2Error):
    """A subnet's block is outside the blocks of its VPC, or has a size that a subnet cannot have."""

    code = "InvalidSubnet.Range"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The CIDR '{cidr}' is invalid.")


class InvalidSubnetConflict(Ec2Error):
    """A subnet's block overlaps another subnet's."""

    code = "InvalidSubnet.Conflict"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The CIDR '{cidr}' conflicts with another subnet")


class BadPrefixListName(InvalidParameterValue):
    """A prefix list's name is empty, too long, or looks like one of AWS's."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "prefixListName", name[:80], "Up to 255 characters are allowed, not starting with com.amazonaws."
        )


class MaxEntriesOutOfRange(InvalidParameterValue):
    """A prefix list's size is below one or above what a list can have."""

    def __init__(self, value: int, most: int) -> None:
        super().__init__("maxEntries", value, f"Expecting a value between 1 and {most}.")


class TooManyEntries(Ec2Error):
    """A prefix list would have more entries than its size allows, or one call changes too many."""

    code = "PrefixListMaxEntriesExceeded"

    def __init__(self, count: int, most: int) -> None:
        super().__init__(f"You have specified {count} entries, but at most {most} are allowed.")


class EntriesAndSize(InvalidParameterCombination):
    """One call changes both the entries and the size of a prefix list."""

    def __init__(self) -> None:
        super().__init__("You cannot modify the entries and the size of a prefix list at the same time")


class EntryExists(Ec2Error):
    """A network to add is already in the prefix list, or is given twice in the call."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The prefix list already has an entry for {cidr}: remove it first")


class EntryMissing(Ec2Error):
    """A network to remove is not in the prefix list."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"The prefix list has no entry for {cidr}")


class PrefixListVersionMismatch(Ec2Error):
    """The prefix list has changed since the caller read it."""

    code = "PrefixListVersionMismatch"

    def __init__(self, prefix_list_id: str) -> None:
        super().__init__(f"The prefix list has the incorrect version number: {prefix_list_id}")


class UnknownPrefixListVersion(InvalidParameterValue):
    """A prefix list never had this version, or no longer keeps it."""

    def __init__(self, prefix_list_id: str, version: int) -> None:
        super().__init__("targetVersion", version, f"{prefix_list_id} has no such version.")


class AwsPrefixList(OperationNotPermitted):
    """Customers cannot change AWS's own prefix lists."""

    def __init__(self, prefix_list_id: str) -> None:
        super().__init__(f"The prefix list {prefix_list_id} is managed by AWS and cannot be modified or deleted.")


class AddressOutsideSubnet(Ec2Error):
    """A chosen address is not in the subnet."""

    code = "InvalidParameterValue"

    def __init__(self, address: str) -> None:
        super().__init__(f"Address {address} does not fall within the subnet's address range")


class AddressReserved(Ec2Error):
    """A chosen address is one of the five that a subnet reserves."""

    code = "InvalidParameterValue"

    def __init__(self, address: str) -> None:
        super().__init__(f"Address {address} is in subnet's reserved address range")


class AddressInUse(Ec2Error):
    """A chosen address belongs to another interface."""

    code = "InvalidIPAddress.InUse"

    def __init__(self, address: str) -> None:
        super().__init__(f"The specified address is already in use: {address}.")


class InsufficientFreeAddresses(Ec2Error):
    """A subnet has no address left."""

    code = "InsufficientFreeAddressesInSubnet"

    def __init__(self, subnet_id: str) -> None:
        super().__init__(
            f"The specified subnet does not have enough free addresses to satisfy the request. ({subnet_id})"
        )
