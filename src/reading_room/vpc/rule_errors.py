"""EC2's errors about security groups and routes (the rest is in ``errors.py``)."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error, InvalidParameterCombination, InvalidParameterValue


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


class RouteAlreadyExists(Ec2Error):
    """The table has a route to that destination."""

    code = "RouteAlreadyExists"

    def __init__(self, destination: str) -> None:
        super().__init__(f"The route identified by {destination} already exists.")


class PrefixListRouteExists(Ec2Error):
    """The table already sends the prefix list to another endpoint."""

    code = "RouteAlreadyExists"

    def __init__(self, route_table_id: str, prefix_list_id: str) -> None:
        super().__init__(
            f"route table {route_table_id} already has a route with destination-prefix-list-id {prefix_list_id}"
        )


class NoRouteToReplace(Ec2Error):
    """ReplaceRoute names a destination that the table has no route to."""

    code = "InvalidParameterValue"

    def __init__(self, destination: str) -> None:
        super().__init__(f"There is no route defined for '{destination}' in the route table. Use CreateRoute instead.")


class RouteNotFound(Ec2Error):
    """DeleteRoute names a destination that the table has no route to."""

    code = "InvalidRoute.NotFound"

    def __init__(self, route_table_id: str, destination: str) -> None:
        super().__init__(f"no route with destination-cidr-block {destination} in route table {route_table_id}")


class LocalRoute(Ec2Error):
    """A local route stays as it is."""

    code = "InvalidParameterValue"

    def __init__(self, destination: str, route_table_id: str) -> None:
        super().__init__(f"cannot remove local route {destination} in route table {route_table_id}")


class EndpointRoute(Ec2Error):
    """The routes of a gateway endpoint are changed through the endpoint."""

    code = "InvalidParameterValue"

    def __init__(self, destination: str, route_table_id: str) -> None:
        super().__init__(
            f"cannot create, replace or remove VPC endpoint route {destination} in route table "
            f"{route_table_id}: use ModifyVpcEndpoint"
        )


class RouteTargetNotSupported(Ec2Error):
    """A route names an endpoint by its id; only endpoints of Gateway Load Balancers can be named so."""

    code = "RouteNotSupported"

    def __init__(self, vpc_endpoint_id: str) -> None:
        super().__init__(
            f"Route table contains unsupported route target: {vpc_endpoint_id}. "
            "VPC Endpoints of this type cannot be used as route targets."
        )


class DestinationNotAllowed(InvalidParameterValue):
    """No route may lead to link-local service, multicast or broadcast addresses."""

    def __init__(self, destination: str) -> None:
        super().__init__("destinationCidrBlock", destination, "No route to this destination is allowed.")


class TargetOfAnotherNetwork(Ec2Error):
    """A route's target is in another VPC than its table."""

    code = "InvalidParameterValue"

    def __init__(self, route_table_id: str, target: str) -> None:
        super().__init__(f"route table {route_table_id} and target {target} belong to different networks")


class AlreadyAssociated(Ec2Error):
    """The subnet has a table of its own already."""

    code = "Resource.AlreadyAssociated"

    def __init__(self, route_table_id: str) -> None:
        super().__init__(
            f"the specified association for route table {route_table_id} conflicts with an existing association"
        )


class SubnetOfAnotherNetwork(Ec2Error):
    """A route table and a subnet are of two VPCs."""

    code = "InvalidParameterValue"

    def __init__(self, route_table_id: str, subnet_id: str) -> None:
        super().__init__(f"Route table {route_table_id} and subnet {subnet_id} belong to different networks.")


class MainAssociation(Ec2Error):
    """The association of the main table can be replaced, never removed."""

    code = "InvalidParameterValue"

    def __init__(self, association_id: str) -> None:
        super().__init__(f"cannot disassociate the main route table association {association_id}")
