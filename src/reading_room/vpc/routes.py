"""Routes other than the local ones, and what each leads to.

A gateway endpoint's routes come and go with the endpoint (``endpoints.py``) and cannot be touched here. The only other
target that exists is a network interface. Interfaces of jobs check source and destination, as EC2's do by default,
so packets for other addresses end there: the data plane is told ``blackhole``, which is what the sender sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.vpc import cidrs, lookup, prefix_lists, vpcs
from reading_room.vpc.errors import (
    ExactlyOneOf,
    GatewayNotFound,
    MissingParameter,
    UnsupportedOperation,
)
from reading_room.vpc.identifiers import NETWORK_INTERFACE, ROUTE_TABLE, VPC_ENDPOINT
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.rule_errors import (
    DestinationNotAllowed,
    EndpointRoute,
    LocalRoute,
    NoRouteToReplace,
    RouteAlreadyExists,
    RouteInsideVpc,
    RouteNotFound,
    TargetOfAnotherNetwork,
)
from reading_room.vpc.tables import NetworkInterface, Route, RouteTable

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


def create(session: Session, account: str, request: Mapping[str, Any], *, quotas: Quotas = Quotas()) -> Route:
    """Add a route. Raises ``RouteAlreadyExists``, ``LimitExceeded``, and what the checks of both ends raise."""
    route_table, destination, target = _ends(session, account, request)
    if destination in vpcs.cidrs_of(session, route_table.vpc_id):
        raise RouteAlreadyExists(destination)
    if session.get(Route, (route_table.route_table_id, destination)) is not None:
        raise RouteAlreadyExists(destination)
    used = session.scalar(
        select(func.count()).select_from(Route).where(Route.route_table_id == route_table.route_table_id)
    )
    require_room(used, quotas.routes_per_table, "RouteLimitExceeded", "routes of the route table")
    route = Route(route_table_id=route_table.route_table_id, destination=destination, target=target)
    session.add(route)
    session.flush()
    return route


def replace(session: Session, account: str, request: Mapping[str, Any]) -> None:
    """Give a route another target. Raises ``NoRouteToReplace``, and what the checks of both ends raise."""
    route_table, destination, target = _ends(session, account, request)
    route = session.get(Route, (route_table.route_table_id, destination))
    if route is None:
        raise NoRouteToReplace(destination)
    if route.target.startswith("vpce-"):
        raise EndpointRoute(destination, route_table.route_table_id)
    route.target = target


def delete_route(session: Session, account: str, request: Mapping[str, Any]) -> None:
    """Remove a route. Raises ``RouteNotFound``, ``LocalRoute`` or ``EndpointRoute``."""
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, request["RouteTableId"])
    destination = _destination(request)
    if destination in vpcs.cidrs_of(session, route_table.vpc_id):
        raise LocalRoute(destination, route_table.route_table_id)
    route = session.get(Route, (route_table.route_table_id, destination))
    if route is None:
        raise RouteNotFound(route_table.route_table_id, destination)
    if route.target.startswith("vpce-"):
        raise EndpointRoute(destination, route_table.route_table_id)
    session.delete(route)
    session.flush()


def _ends(session: Session, account: str, request: Mapping[str, Any]) -> tuple[RouteTable, str, str]:
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, request["RouteTableId"])
    destination = _destination(request)
    if destination.startswith("pl-"):
        prefix_lists.require(destination)
    else:
        _check_place(session, route_table, destination)
    return route_table, destination, _target(session, account, route_table, destination, request)


def _destination(request: Mapping[str, Any]) -> str:
    given = [name for name in DESTINATIONS if request.get(name)]
    if len(given) != 1:
        raise ExactlyOneOf(DESTINATIONS)
    if given[0] == "DestinationIpv6CidrBlock":
        raise UnsupportedOperation("IPv6 routes need an IPv6 CIDR block, which no VPC has here.")
    value = str(request[given[0]])
    if given[0] == "DestinationPrefixListId":
        prefix_lists.require(value)
        return value
    return cidrs.canonical("destinationCidrBlock", value)


def _check_place(session: Session, route_table: RouteTable, destination: str) -> None:
    if cidrs.multicast_or_link_local_service(destination):
        raise DestinationNotAllowed(destination)
    # EC2 lets a subnet's whole block go to an appliance; here the VPC's own networks always win, so it is refused.
    for block in vpcs.cidrs_of(session, route_table.vpc_id):
        if destination != block and cidrs.contains(block, destination):
            raise RouteInsideVpc(destination)


def _target(
    session: Session, account: str, route_table: RouteTable, destination: str, request: Mapping[str, Any]
) -> str:
    given = [name for name in TARGETS if request.get(name)]
    if request.get("LocalTarget"):
        given.append("LocalTarget")
    if not given:
        raise MissingParameter("GatewayId")
    if len(given) > 1:
        raise ExactlyOneOf(TARGETS)
    name = given[0]
    value = "local" if name == "LocalTarget" else str(request[name])
    if value == "local":
        raise LocalRoute(destination, route_table.route_table_id)
    if name == "NetworkInterfaceId":
        interface: NetworkInterface = lookup.one(session, NETWORK_INTERFACE, account, value)
        if interface.vpc_id != route_table.vpc_id:
            raise TargetOfAnotherNetwork(route_table.route_table_id, value)
        return value
    if name in ("VpcEndpointId", "GatewayId") and value.startswith("vpce-"):
        lookup.one(session, VPC_ENDPOINT, account, value)
        raise EndpointRoute(destination, route_table.route_table_id)
    raise GatewayNotFound(value)
