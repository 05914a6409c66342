"""Routes and their targets.

A VPC's own blocks have local routes. A local route has no row until it is given another target. Inside the blocks, the
destination of a route is the exact block of a subnet, and its target is an interface or a NAT gateway. A gateway
endpoint's routes are created and deleted with the endpoint (``endpoints.py``) and cannot be changed here.

Deleting a target leaves its routes as blackholes, and so does detaching an internet gateway. A network interface
accepts the packets that a route sends to it only while its source/destination check is off; otherwise it drops them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reading_room.vpc import lookup
from reading_room.vpc.addressing import cidrs, customer_prefix_lists
from reading_room.vpc.errors import ExactlyOneOf, LimitExceeded, MissingParameter, UnsupportedOperation
from reading_room.vpc.identifiers import INTERNET_GATEWAY, NAT_GATEWAY, NETWORK_INTERFACE, ROUTE_TABLE, VPC_ENDPOINT
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing.errors import (
    DestinationNotAllowed,
    EndpointRoute,
    GatewayNotFound,
    GatewayOfAnotherNetwork,
    LocalRoute,
    NoRouteToReplace,
    NotALocalRoute,
    NotAWholeSubnet,
    RouteAlreadyExists,
    RouteNotFound,
    RouteTargetNotSupported,
    TargetNotAllowedInside,
    TargetOfAnotherNetwork,
)
from reading_room.vpc.tables import (
    InternetGateway,
    NatGateway,
    NetworkInterface,
    Route,
    RouteTable,
    Subnet,
    VpcEndpoint,
)

DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "InstanceId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
    "TransitGatewayId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
)
LOCAL = "local"


def create(session: Session, account: str, request: Mapping[str, Any], *, quotas: Quotas = Quotas()) -> Route:
    """Add a route. Raises ``RouteAlreadyExists``, ``LimitExceeded``, and errors of its destination and target."""
    route_table, destination = _place(session, account, request)
    target = _target(session, account, route_table, destination, request)
    if destination in lookup.vpc_cidrs(session, route_table.vpc_id):
        raise RouteAlreadyExists(destination)
    if target == LOCAL:
        raise NotALocalRoute(destination)
    if session.get(Route, (route_table.route_table_id, destination)) is not None:
        raise RouteAlreadyExists(destination)
    others = session.scalars(select(Route.destination).where(Route.route_table_id == route_table.route_table_id))
    weights = customer_prefix_lists.weights(session, account)
    # A prefix list counts with its maximum number of entries.
    if sum(weights.get(each, 1) for each in (*others, destination)) > quotas.routes_per_table:
        raise LimitExceeded("RouteLimitExceeded", "routes of the route table", quotas.routes_per_table)
    return _add(session, route_table, destination, target)


def replace(session: Session, account: str, request: Mapping[str, Any]) -> None:
    """Give a route another target. A local route can get an interface or a NAT gateway as target, and ``local`` again.

    Raises ``NoRouteToReplace``, ``NotALocalRoute``, ``EndpointRoute``, and errors of its destination and target.
    """
    route_table, destination = _place(session, account, request)
    target = _target(session, account, route_table, destination, request)
    own_block = destination in lookup.vpc_cidrs(session, route_table.vpc_id)
    if target == LOCAL and not own_block:
        raise NotALocalRoute(destination)
    route = session.get(Route, (route_table.route_table_id, destination))
    if route is None:
        if not own_block:
            raise NoRouteToReplace(destination)
        if target != LOCAL:
            _add(session, route_table, destination, target, origin="CreateRouteTable")
        return
    if route.target.startswith("vpce-"):
        raise EndpointRoute(destination, route_table.route_table_id)
    if target == LOCAL:
        session.delete(route)
    else:
        route.target = target
    session.flush()


def delete_route(session: Session, account: str, request: Mapping[str, Any]) -> None:
    """Remove a route. Raises ``RouteNotFound``, ``LocalRoute`` or ``EndpointRoute``."""
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, request["RouteTableId"])
    destination = _destination(request)
    if destination in lookup.vpc_cidrs(session, route_table.vpc_id):
        raise LocalRoute(destination, route_table.route_table_id)
    route = session.get(Route, (route_table.route_table_id, destination))
    if route is None:
        raise RouteNotFound(route_table.route_table_id, destination)
    if route.target.startswith("vpce-"):
        raise EndpointRoute(destination, route_table.route_table_id)
    session.delete(route)
    session.flush()


def forget_block(session: Session, vpc_id: str, block: str) -> None:
    """Delete the routes that replace the local route of a block that is removed from its VPC."""
    tables = select(RouteTable.route_table_id).where(RouteTable.vpc_id == vpc_id)
    session.execute(delete(Route).where(Route.destination == block, Route.route_table_id.in_(tables)))


def networks_served(session: Session, targets: Sequence[str]) -> dict[str, str]:
    """Return the VPC in which each target accepts packets; targets that accept none are left out.

    An internet gateway must be attached, a NAT gateway available, an interface attached.
    """
    served: dict[str, str] = {}
    kinds: tuple[tuple[str, type[Any], str], ...] = (
        ("igw-", InternetGateway, "internet_gateway_id"),
        ("nat-", NatGateway, "nat_gateway_id"),
        ("eni-", NetworkInterface, "interface_id"),
        ("vpce-", VpcEndpoint, "vpc_endpoint_id"),
    )
    for prefix, table, key in kinds:
        wanted = [target for target in targets if target.startswith(prefix)]
        for target, rows in lookup.grouped(session, table, key, wanted).items():
            if rows and _takes_packets(rows[0]):
                served[target] = rows[0].vpc_id
    return served


def _takes_packets(row: InternetGateway | NatGateway | NetworkInterface | VpcEndpoint) -> bool:
    if isinstance(row, NatGateway):
        return row.state == "available"
    if isinstance(row, NetworkInterface):
        return row.attachment_id is not None
    return row.vpc_id is not None


def _add(
    session: Session, route_table: RouteTable, destination: str, target: str, origin: str = "CreateRoute"
) -> Route:
    route = Route(route_table_id=route_table.route_table_id, destination=destination, target=target, origin=origin)
    session.add(route)
    session.flush()
    return route


def _place(session: Session, account: str, request: Mapping[str, Any]) -> tuple[RouteTable, str]:
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, request["RouteTableId"])
    destination = _destination(request)
    if destination.startswith("pl-"):
        customer_prefix_lists.require(session, account, destination)
    elif cidrs.multicast_or_link_local_service(destination):
        raise DestinationNotAllowed(destination)
    return route_table, destination


def _destination(request: Mapping[str, Any]) -> str:
    given = [name for name in DESTINATIONS if request.get(name)]
    if len(given) != 1:
        raise ExactlyOneOf(DESTINATIONS)
    if given[0] == "DestinationIpv6CidrBlock":
        raise UnsupportedOperation("IPv6 routes need an IPv6 CIDR block, which no VPC has here.")
    value = str(request[given[0]])
    return value if given[0] == "DestinationPrefixListId" else cidrs.canonical("destinationCidrBlock", value)


def _target(
    session: Session, account: str, route_table: RouteTable, destination: str, request: Mapping[str, Any]
) -> str:
    """Return the id of the target that a request names; check that it exists and fits the destination."""
    given = [name for name in TARGETS if request.get(name)]
    if request.get("LocalTarget"):
        given.append("LocalTarget")
    if not given:
        raise MissingParameter("GatewayId")
    if len(given) > 1:
        raise ExactlyOneOf(TARGETS)
    name = given[0]
    target = LOCAL if name == "LocalTarget" else str(request[name])
    if target == LOCAL and name in ("LocalTarget", "GatewayId"):
        return LOCAL
    if name == "NetworkInterfaceId":
        interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, target)
        if interface.vpc_id != route_table.vpc_id:
            raise TargetOfAnotherNetwork(route_table.route_table_id, target)
    elif name == "NatGatewayId" or (name == "GatewayId" and target.startswith("nat-")):
        _require_nat_gateway(session, account, route_table, target)
    elif name == "GatewayId" and target.startswith("igw-"):
        gateway: InternetGateway = lookup.one(session, INTERNET_GATEWAY, account, target)
        if gateway.vpc_id != route_table.vpc_id:
            raise GatewayOfAnotherNetwork(route_table.route_table_id, target)
    elif name in ("VpcEndpointId", "GatewayId") and target.startswith("vpce-"):
        lookup.one(session, VPC_ENDPOINT, account, target)
        if name == "VpcEndpointId":
            raise RouteTargetNotSupported(target)
        raise EndpointRoute(destination, route_table.route_table_id)
    else:
        raise GatewayNotFound(target)
    _require_inside(session, route_table, destination, target)
    return target


def _require_nat_gateway(session: Session, account: str, route_table: RouteTable, target: str) -> None:
    NAT_GATEWAY.check(target)
    gateway = session.get(NatGateway, target)
    if gateway is None or gateway.account != account or gateway.state != "available":
        raise GatewayNotFound(target)
    if gateway.vpc_id != route_table.vpc_id:
        raise GatewayOfAnotherNetwork(route_table.route_table_id, target)


def _require_inside(session: Session, route_table: RouteTable, destination: str, target: str) -> None:
    """Raise unless a destination inside the VPC is the exact block of a subnet and its target can accept it."""
    if destination.startswith("pl-"):
        return
    blocks = lookup.vpc_cidrs(session, route_table.vpc_id)
    if not any(cidrs.contains(block, destination) for block in blocks):
        return
    subnets = session.scalars(select(Subnet.cidr).where(Subnet.vpc_id == route_table.vpc_id)).all()
    if destination not in blocks and destination not in subnets:
        raise NotAWholeSubnet(destination)
    if not target.startswith(("eni-", "nat-")):
        raise TargetNotAllowedInside(destination, target)
