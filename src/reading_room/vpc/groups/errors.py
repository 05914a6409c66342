"""EC2's errors about security groups and their rules."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination, InvalidParameterValue


class GroupInUse(Ec2Error):
    """A security group is carried by an interface or named by another group's rule."""

    code = "DependencyViolation"

    def __init__(self, group_id: str) -> None:
        super().__init__(f"resource {group_id} has a dependent object")


class GroupCannotBeDeleted(Ec2Error):
    """The default group of a VPC lives as long as the VPC."""

    code = "CannotDelete"

    def __init__(self, group_id: str, name: str) -> None:
        super().__init__(f'the specified group: "{group_id}" name: "{name}" cannot be deleted by a user')


class ReservedGroupName(Ec2Error):
    """The name ``default`` belongs to the group that each VPC has."""

    code = "InvalidParameterValue"

    def __init__(self, name: str) -> None:
        super().__init__(f"Cannot use reserved security group name: {name}")


class BadGroupText(InvalidParameterValue):
    """A group's name or description has a length or characters that EC2 does not take."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__(
            parameter,
            value[:80],
            "Up to 255 characters are allowed, from a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*"
            + (", not starting with sg-." if parameter == "groupName" else "."),
        )


class DuplicateGroup(Ec2Error):
    """The VPC has a group of that name."""

    code = "InvalidGroup.Duplicate"

    def __init__(self, name: str, vpc_id: str) -> None:
        super().__init__(f"The security group '{name}' already exists for VPC '{vpc_id}'")


class GroupOfAnotherNetwork(Ec2Error):
    """A rule refers to a group that is not in its VPC."""

    code = "InvalidGroup.NotFound"

    def __init__(self) -> None:
        super().__init__("You have specified two resources that belong to different networks.")


class DuplicatePermission(Ec2Error):
    """The group has that rule already."""

    code = "InvalidPermission.Duplicate"

    def __init__(self, rule: str) -> None:
        super().__init__(f'the specified rule "{rule}" already exists')


class PermissionMissing(Ec2Error):
    """A rule that should be revoked is not in the group."""

    code = "InvalidPermission.NotFound"

    def __init__(self) -> None:
        super().__init__("The specified rule does not exist in this security group.")


class PeerKindChanged(Ec2Error):
    """A rule's peer stays of its kind: a network, a prefix list or a group."""

    code = "InvalidParameterValue"

    def __init__(self, rule_id: str) -> None:
        super().__init__(
            f"The source or destination type of the rule {rule_id} cannot be changed: revoke it and authorize another"
        )


class NoProtocol(Ec2Error):
    """A rule lacks its protocol."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly."
        )


class NoPorts(Ec2Error):
    """A rule of TCP or UDP lacks its ports."""

    code = "InvalidParameterValue"

    def __init__(self) -> None:
        super().__init__("Invalid value for portRange. Must specify both from and to ports with TCP/UDP.")


class NoPeer(Ec2Error):
    """A change of a rule lacks the rule's peer."""

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
    """A filter of DescribeSecurityGroupRules names a group by what is no group's id."""

    code = "InvalidGroupId.Malformed"

    def __init__(self, group_id: str) -> None:
        super().__init__(f"The security group ID '{group_id}' is malformed")


class MalformedPermission(Ec2Error):
    """A rule lacks its peer."""

    code = "InvalidPermission.Malformed"

    def __init__(self, why: str) -> None:
        super().__init__(f"The permission is malformed: {why}")


class MalformedCidr(Ec2Error):
    """A rule's peer is not a network."""

    code = "InvalidParameterValue"

    def __init__(self, cidr: str) -> None:
        super().__init__(f"CIDR block {cidr} is malformed")


class BadPortRange(Ec2Error):
    """A rule's ports are no range of that protocol."""

    code = "InvalidParameterValue"

    def __init__(self, protocol: str, first: object, last: object) -> None:
        super().__init__(f"Invalid value '{first}-{last}' for portRange of protocol {protocol}.")


class BadProtocol(Ec2Error):
    """A rule's protocol is neither a name that EC2 knows nor a number."""

    code = "InvalidParameterValue"

    def __init__(self, protocol: str) -> None:
        super().__init__(f"Invalid value '{protocol}' for IP protocol. Unknown protocol.")
