"""EC2's errors about route tables and routes."""

from __future__ import annotations

from typing import ClassVar

from reading_room.vpc.errors import Ec2Error, InvalidParameterValue
from reading_room.vpc.not_found import NotFound


class RouteAlreadyExists(Ec2Error):
    """The table already has a route to this destination."""

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
    """A local route cannot be removed."""

    code = "InvalidParameterValue"

    def __init__(self, destination: str, route_table_id: str) -> None:
        super().__init__(f"cannot remove local route {destination} in route table {route_table_id}")


class EndpointRoute(Ec2Error):
    """The routes of a gateway endpoint can only be changed through the endpoint."""

    code = "InvalidParameterValue"

    def __init__(self, destination: str, route_table_id: str) -> None:
        super().__init__(
            f"cannot create, replace or remove VPC endpoint route {destination} in route table "
            f"{route_table_id}: use ModifyVpcEndpoint"
        )


class RouteTargetNotSupported(Ec2Error):
    """A route's target is an endpoint; only endpoints of Gateway Load Balancers can be route targets."""

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
    """The subnet is already associated with a table."""

    code = "Resource.AlreadyAssociated"

    def __init__(self, route_table_id: str) -> None:
        super().__init__(
            f"the specified association for route table {route_table_id} conflicts with an existing association"
        )


class SubnetOfAnotherNetwork(Ec2Error):
    """A route table and a subnet are in different VPCs."""

    code = "InvalidParameterValue"

    def __init__(self, route_table_id: str, subnet_id: str) -> None:
        super().__init__(f"Route table {route_table_id} and subnet {subnet_id} belong to different networks.")


class MainAssociation(Ec2Error):
    """The association of the main table can be replaced, but not removed."""

    code = "InvalidParameterValue"

    def __init__(self, association_id: str) -> None:
        super().__init__(f"cannot disassociate the main route table association {association_id}")


class GatewayOfAnotherNetwork(Ec2Error):
    """A route's gateway is not attached to the VPC of the route's table."""

    code = "InvalidParameterValue"

    def __init__(self, route_table_id: str, gateway_id: str) -> None:
        super().__init__(f"route table {route_table_id} and network gateway {gateway_id} belong to different networks")


class NotAWholeSubnet(InvalidParameterValue):
    """A destination inside the VPC is not the exact block of a subnet."""

    def __init__(self, destination: str) -> None:
        super().__init__(
            "destinationCidrBlock",
            destination,
            "A route more specific than a local route must have the CIDR block of a subnet as its destination.",
        )


class TargetNotAllowedInside(InvalidParameterValue):
    """A route inside the VPC leads to something other than an interface or a NAT gateway."""

    def __init__(self, destination: str, target: str) -> None:
        super().__init__(
            "destinationCidrBlock",
            destination,
            f"A route inside the VPC can lead to a network interface or a NAT gateway, not to {target}.",
        )


class NotALocalRoute(InvalidParameterValue):
    """Only a route of the VPC's own block can have the target ``local``."""

    def __init__(self, destination: str) -> None:
        super().__init__("destinationCidrBlock", destination, "Only a route of the VPC's own CIDR block can be local.")


class GatewayNotFound(NotFound):
    """A route names a gateway that does not exist; the code depends on the kind of gateway."""

    kinds: ClassVar[dict[str, tuple[str, str]]] = {
        "eigw": ("InvalidGatewayID.NotFound", "The egressOnlyInternetGateway ID"),
        "nat": ("InvalidNatGatewayID.NotFound", "The natGateway ID"),
        "pcx": ("InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID"),
        "tgw": ("InvalidTransitGatewayID.NotFound", "The transitGateway ID"),
        "i": ("InvalidInstanceID.NotFound", "The instance ID"),
    }

    def __init__(self, identifier: str) -> None:
        code, words = self.kinds.get(identifier.split("-", 1)[0], ("InvalidGatewayID.NotFound", "The gateway ID"))
        # The class attributes are the fallback; the instance has the code and words of its kind of gateway.
        self.code = code  # type: ignore[misc]
        self.words = words  # type: ignore[misc]
        super().__init__(identifier)
