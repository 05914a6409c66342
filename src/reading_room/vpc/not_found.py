"""EC2's errors for malformed ids, and for ids of resources that do not exist, one class per kind of resource."""

from __future__ import annotations

from typing import ClassVar

from reading_room.vpc.errors import Ec2Error


class NotFound(Ec2Error):
    """A resource that a call names does not exist. Subclasses have the code and EC2's words for the kind."""

    words: ClassVar[str] = "The ID"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"{self.words} '{identifier}' does not exist")
        self.identifier = identifier


class MalformedId(Ec2Error):
    """An id does not have the form of its kind of resource. The code depends on the kind."""

    code = "InvalidParameterValue"

    def __init__(self, code: str, value: str, prefix: str) -> None:
        super().__init__(f'Invalid id: "{value}" (expecting "{prefix}-...")')
        self.code = code  # type: ignore[misc]


class VpcNotFound(NotFound):
    """No such VPC."""

    code = "InvalidVpcID.NotFound"
    words = "The vpc ID"


class SubnetNotFound(NotFound):
    """No such subnet."""

    code = "InvalidSubnetID.NotFound"
    words = "The subnet ID"


class DhcpOptionsNotFound(NotFound):
    """No such set of DHCP options."""

    code = "InvalidDhcpOptionID.NotFound"
    words = "The dhcp options ID"


class PrefixListNotFound(NotFound):
    """No such prefix list."""

    code = "InvalidPrefixListID.NotFound"
    words = "The prefix list ID"


class SecurityGroupNotFound(NotFound):
    """No such security group."""

    code = "InvalidGroup.NotFound"
    words = "The security group"


class SecurityGroupRuleNotFound(NotFound):
    """No such security group rule."""

    code = "InvalidSecurityGroupRuleId.NotFound"
    words = "The security group rule ID"


class NetworkAclNotFound(NotFound):
    """No such network ACL."""

    code = "InvalidNetworkAclID.NotFound"
    words = "The networkAcl ID"


class RouteTableNotFound(NotFound):
    """No such route table."""

    code = "InvalidRouteTableID.NotFound"
    words = "The routeTable ID"


class AssociationNotFound(NotFound):
    """No such association of a route table or an Elastic IP address."""

    code = "InvalidAssociationID.NotFound"
    words = "The association ID"


class InternetGatewayNotFound(NotFound):
    """No such internet gateway."""

    code = "InvalidInternetGatewayID.NotFound"
    words = "The internetGateway ID"


class NatGatewayNotFound(Ec2Error):
    """No such NAT gateway, or it failed or was deleted more than an hour ago."""

    code = "NatGatewayNotFound"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"NatGateway {identifier} was not found")


class AllocationNotFound(NotFound):
    """No such allocated Elastic IP address."""

    code = "InvalidAllocationID.NotFound"
    words = "The allocation ID"


class NetworkInterfaceNotFound(NotFound):
    """No such network interface."""

    code = "InvalidNetworkInterfaceID.NotFound"
    words = "The networkInterface ID"


class PermissionNotFound(NotFound):
    """No such permission on a network interface."""

    code = "InvalidPermissionID.NotFound"
    words = "The network interface permission ID"


class VpcEndpointNotFound(NotFound):
    """No such VPC endpoint."""

    code = "InvalidVpcEndpointId.NotFound"
    words = "The Vpc Endpoint Id"


class VpcEndpointToDeleteNotFound(VpcEndpointNotFound):
    """No such VPC endpoint, in the unsuccessful items of DeleteVpcEndpoints, which have a different code."""

    code = "InvalidVpcEndpoint.NotFound"


class FlowLogNotFound(Ec2Error):
    """No such flow log, in the unsuccessful items of DeleteFlowLogs."""

    code = "InvalidFlowLogId.NotFound"

    def __init__(self, identifier: str) -> None:
        super().__init__(f"These flow log ids in the input list are not found: [TotalCount: 1] {identifier}")


class PathNotFound(NotFound):
    """No such network insights path."""

    code = "InvalidNetworkInsightsPathId.NotFound"
    words = "The networkInsightsPath ID"


class AnalysisNotFound(NotFound):
    """No such network insights analysis, or it is too old to be kept."""

    code = "InvalidNetworkInsightsAnalysisId.NotFound"
    words = "The networkInsightsAnalysis ID"
