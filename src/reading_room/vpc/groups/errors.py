"""EC2's errors about security groups and their rules."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination, InvalidParameterValue


class GroupInUse(Ec2Error):
    """A security group is used by an interface or referenced in another group's rule."""

    code = "DependencyViolation"

    def __init__(self, group_id: str) -> None:
        super().__init__(f"resource {group_id} has a dependent object")


class GroupCannotBeDeleted(Ec2Error):
    """The default group of a VPC cannot be deleted."""

    code = "CannotDelete"

    def __init__(self, group_id: str, name: str) -> None:
        super().__init__(f'the specified group: "{group_id}" name: "{name}" cannot be deleted by a user')


class ReservedGroupName(Ec2Error):
    """The name ``default`` is reserved for the group that each VPC has from the start."""

    code = "InvalidParameterValue"

    def __init__(self, name: str) -> None:
        super().__init__(f"Cannot use reserved security group name: {name}")


class BadGroupText(InvalidParameterValue):
    """A group's name or description has a length or characters that EC2 does not accept."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__(
            parameter,
            value[:80],
            "Up to 255 characters are allowed, from a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*"
            + (", not starting with sg-." if parameter == "groupName" else "."),
        )


class DuplicateGroup(Ec2Error):
    """The VPC already has a group with this name."""

    code = "InvalidGroup.Duplicate"

    def __init__(self, name: str, vpc_id: str) -> None:
        super().__init__(f"The security group '{name}' already exists for VPC '{vpc_id}'")


class GroupOfAnotherNetwork(Ec2Error):
    """A rule refers to a group that is not in its VPC."""

    code = "InvalidGroup.NotFound"

    def __init__(self) -> None:
        super().__init__("You have specified two resources that belong to different networks.")


class DuplicatePermission(Ec2Error):
    """The group already has this rule."""

    code = "InvalidPermission.Duplicate"

    def __init__(self, rule: str) -> None:
        super().__init__(f'the specified rule "{rule}" already exists')


class PermissionMissing(Ec2Error):
    """A rule to revoke is not in the group."""

    code = "InvalidPermission.NotFound"

    def __init__(self) -> None:
        super().__init__("The specified rule does not exist in this security group.")


class PeerKindChanged(Ec2Error):
    """A change would turn a rule's peer into another kind: a network, a prefix list or a group."""

    code = "InvalidParameterValue"

    def __init__(self, rule_id: str) -> None:
        super().__init__(
            f"The source or destination type of the rule {rule_id} cannot be changed: revoke it and authorize another"
        )


class NoProtocol(Ec2Error):
    """A rule has no protocol."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        )


class NoPorts(Ec2Error):
    """A TCP or UDP rule has no ports."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")


class NoPeer(Ec2Error):
    """A change of a rule names no peer."""

    code = "MissingParameter"

    def __init__(self) -> None:
        super().__init__(
            "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
        )


class SeveralPeers(InvalidParameterCombination):
    """A change of a rule names several peers."""

    def __init__(self) -> None:
        super().__init__("Only one of cidrIp, cidrIpv6, prefixListId, or referencedGroupId can be specified")


class MalformedGroupId(Ec2Error):
    """A filter of DescribeSecurityGroupRules has a value that is not a group id."""

    code = "InvalidGroupId.Malformed"

    def __init__(self, group_id: str) -> None:
        super().__init__(f"The security group ID '{group_id}' is malformed")


class MalformedPermission(Ec2Error):
    """A rule has no peer."""

    code = "InvalidPermission.Malformed"

    def __init__(self, why: str) -> None:
        super().__init__(f"The permission is malformed: {why}")


class MalformedCidr(Ec2Error):
    """A rule's peer is not a network."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"CIDR block {cidr} is malformed")


class BadPortRange(Ec2Error):
    """A rule's ports are not a valid range for its protocol."""

    code = "InvalidParameterValue"

    def __init__(self, protocol: str, first: object, last: object) -> None:
        super().__init__(f"Invalid value '{first}-{last}' for portRange of protocol {protocol}.")


class BadProtocol(Ec2Error):
    """A rule's protocol is neither a name that EC2 knows nor a number."""

    code = "InvalidParameterValue"

    def __init__(self, protocol: str) -> None:
        super().__init__(f"Invalid value '{protocol}' for IP protocol. Unknown protocol.")
