"""EC2's errors about VPC endpoints."""

from __future__ import annotations

from reading_room.vpc.errors import Ec2Error


class RouteTablesForGatewayOnly(Ec2Error):
    """Only a gateway endpoint can have route tables."""

    code = "InvalidParameter"

    def __init__(self) -> None:
        super().__init__("Route table IDs are only supported for Gateway type VPC Endpoint.")


class DuplicateSubnetsInSameZone(Ec2Error):
    """An endpoint would have two subnets in one availability zone."""

    code = "DuplicateSubnetsInSameZone"

    def __init__(self, subnet_id: str) -> None:
        super().__init__(
            f"Found another VPC endpoint subnet in the availability zone of {subnet_id}. VPC endpoint subnets should "
            "be in different availability zones supported by the VPC endpoint service."
        )


class SubnetOfAnotherNetwork(Ec2Error):
    """A subnet of an endpoint is not in the endpoint's VPC."""

    code = "InvalidParameter"

    def __init__(self, subnet_id: str, vpc_id: str) -> None:
        super().__init__(f"Subnet {subnet_id} does not belong to {vpc_id}.")


class GroupOfAnotherNetwork(Ec2Error):
    """A security group of an endpoint is not in the endpoint's VPC."""

    code = "InvalidParameter"

    def __init__(self, group_id: str, vpc_id: str) -> None:
        super().__init__(f"Security group {group_id} and {vpc_id} belong to different networks.")


class NotOfThisEndpoint(Ec2Error):
    """A subnet or group to remove does not belong to the endpoint."""

    code = "InvalidParameter"

    def __init__(self, identifier: str, vpc_endpoint_id: str) -> None:
        super().__init__(f"{identifier} is not associated with {vpc_endpoint_id}.")


class LastSecurityGroup(Ec2Error):
    """An interface endpoint must keep at least one security group."""

    code = "InvalidParameter"

    def __init__(self, vpc_endpoint_id: str) -> None:
        super().__init__(f"{vpc_endpoint_id} must have at least one security group.")


class PrivateDnsNeedsAttributes(Ec2Error):
    """Private DNS was requested in a VPC whose DNS attributes are not both true."""

    code = "InvalidParameter"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for "
            + vpc_id
        )


class ConflictingDnsDomain(Ec2Error):
    """Another endpoint of the VPC already has private DNS for the service."""

    code = "InvalidParameter"

    def __init__(self, name: str, vpc_id: str) -> None:
        super().__init__(
            "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
            f"{name} in the VPC {vpc_id}"
        )


class InboundOnlyNeedsGateway(Ec2Error):
    """Private DNS for inbound resolvers only needs a gateway endpoint for the VPC itself, and there is none."""

    code = "InvalidParameter"

    def __init__(self, vpc_id: str) -> None:
        super().__init__(
            f"To set PrivateDnsOnlyForInboundResolverEndpoint to true, the VPC {vpc_id} must have a Gateway endpoint "
            "for the service."
        )


class InboundOnlyNotApplicable(Ec2Error):
    """The option is only for interface endpoints of services that have endpoints of both types."""

    code = "InvalidParameter"

    def __init__(self, why: str) -> None:
        super().__init__(f"DnsOptions PrivateDnsOnlyForInboundResolverEndpoint is applicable only to {why}.")


class DnsAttributeInUse(Ec2Error):
    """A VPC's DNS attribute cannot be turned off while an endpoint's private DNS needs it."""

    code = "OperationNotPermitted"

    def __init__(self, vpc_id: str, vpc_endpoint_id: str) -> None:
        super().__init__(
            f"The DNS attributes of {vpc_id} are needed by {vpc_endpoint_id}: disable its private DNS first."
        )


class InvalidServiceName(Ec2Error):
    """The endpoint service does not exist."""

    code = "InvalidServiceName"

    def __init__(self, name: str) -> None:
        super().__init__(f"The Vpc Endpoint Service '{name}' does not exist")


class EndpointTypeNotOffered(Ec2Error):
    """The service has no endpoints of this type."""

    code = "InvalidParameter"

    def __init__(self, endpoint_type: str, offered: tuple[str, ...]) -> None:
        super().__init__(
            f"Endpoint type ({endpoint_type}) does not match available service types ([{', '.join(offered)}])."
        )


class NotForGatewayEndpoints(Ec2Error):
    """A parameter for interface endpoints was given for a gateway endpoint."""

    code = "InvalidParameter"

    def __init__(self, parameter: str) -> None:
        super().__init__(f"{parameter} is not supported for VPC endpoints of type Gateway.")


class InvalidPolicyDocument(Ec2Error):
    """An endpoint's policy is not JSON, not a policy, or too long."""

    code = "InvalidPolicyDocument"

    def __init__(self, why: str) -> None:
        lead = "The Policy Document is not valid."
        super().__init__(why if why.startswith(lead) else f"{lead} {why}")


class TableOfAnotherNetwork(Ec2Error):
    """A route table of an endpoint is not in the endpoint's VPC."""

    code = "InvalidParameter"

    def __init__(self, route_table_id: str, vpc_id: str) -> None:
        super().__init__(f"Route table {route_table_id} does not belong to {vpc_id}.")
