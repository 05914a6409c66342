"""AWS's rules about routes, written as plainly as possible: who receives a destination, by which tables. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.verdicts import ICMP, TCP, UDP, Inbound, Packet, Reason, spoken
from reading_room.dataplane.spec import (
    LOCAL_CREDENTIALS_ADDRESS,
    LOCAL_ENDPOINT_ADDRESS,
    LOCAL_RESOLVER_ADDRESS,
    Endpoint,
    Interface,
    NatGateway,
    NetworkSpec,
    Route,
    RouteTable,
    Subnet,
    Vpc,
)

SERVICE_PORTS = (80, 443)
_NOWHERE = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
# This host, loopback, link-local, multicast and reserved: no route of a VPC carries them.


@dataclass(frozen=True, slots=True)
class Chosen:
    """A route that a table chose."""

    table: RouteTable
    route: Route


@dataclass(slots=True)
class Way:
    """The result of following the tables: ``kind``, and the endpoint or interface if there is one.

    ``nats`` are the NAT gateways on the way, in order. ``chosen`` are the routes that decided.
    """

    kind: Literal["local", "endpoint", "internet", "interface", "nobody"] = "nobody"
    endpoint: Endpoint | None = None
    interface: Interface | None = None
    nats: list[NatGateway] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    closed: bool = False
    """Whether a route more specific than the local one led to nobody. Then not even the router gets the packet."""

    def ends(self, about: tuple[str, ...], message: str) -> Way:
        """Return the way, now leading to nobody, with the reason."""
        self.kind = "nobody"
        self.reasons.append(Reason(about, message))
        return self


def follow(spec: NetworkSpec, vpc: Vpc, subnet: Subnet, packet: Packet) -> Way:
    """Return the way of packets from ``subnet``, through every NAT gateway on it."""
    way = Way()
    at = subnet
    destination = parsed.address(packet.destination)
    while True:
        table = table_of(vpc, at)
        local = any(destination in parsed.network(cidr) for cidr in vpc.cidrs)
        chosen = _inside(vpc, table, at, destination) if local else longest(spec, vpc, table, destination)
        if local and chosen is None:
            way.kind = "local"
            return way
        if chosen is None or unroutable(packet.destination):
            return way.ends(*_no_route(spec, vpc, table, packet))
        route = chosen.route
        way.chosen.append(chosen)
        way.closed = local
        about = (table.route_table_id, route.destination, route.target)
        nat = next((each for each in vpc.nat_gateways if each.nat_gateway_id == route.target), None)
        if nat is None:
            return _end_of_way(vpc, way, chosen, packet, inside=local)
        if nat in way.nats:
            return way.ends(about, f"the route tables lead from {nat.nat_gateway_id} back to it")
        if packet.protocol not in (ICMP, TCP, UDP):
            return way.ends(about, f"{nat.nat_gateway_id} passes TCP, UDP and ICMP, not {spoken(packet)}")
        way.reasons.append(Reason(about, f"{table.route_table_id} sends {route.destination} to {nat.nat_gateway_id}"))
        way.nats.append(nat)
        at = next(each for each in vpc.subnets if each.subnet_id == nat.subnet_id)


def table_of(vpc: Vpc, subnet: Subnet) -> RouteTable:
    """Return a subnet's route table."""
    return next(each for each in vpc.route_tables if each.route_table_id == subnet.route_table_id)


def unroutable(address: str) -> bool:
    """Return whether no router forwards packets to an address."""
    return any(parsed.address(address) in network for network in _NOWHERE)


def networks_of(spec: NetworkSpec, prefix_list_id: str) -> tuple[str, ...]:
    """Return the networks of a prefix list, or none if the list is unknown."""
    return next((each.cidrs for each in spec.prefix_lists if each.prefix_list_id == prefix_list_id), ())


def holds(spec: NetworkSpec, prefix_list_id: str, address: str) -> bool:
    """Return whether an address is in a network of a prefix list."""
    return any(parsed.address(address) in parsed.network(cidr) for cidr in networks_of(spec, prefix_list_id))


def far_service(spec: NetworkSpec, vpc: Vpc, packet: Packet | Inbound) -> Endpoint | None:
    """Return the service beyond the internet gateway that a packet is for, if any: that of the smallest network."""
    if packet.protocol != TCP or packet.port not in SERVICE_PORTS:
        return None
    candidates = [
        (parsed.network(cidr).prefixlen, endpoint)
        for endpoint in vpc.endpoints
        if endpoint.kind == "far"
        for cidr in networks_of(spec, endpoint.prefix_list_id)
        if parsed.address(packet.destination) in parsed.network(cidr)
    ]
    return max(candidates, key=lambda each: each[0])[1] if candidates else None


def longest(spec: NetworkSpec, vpc: Vpc, table: RouteTable, destination: IPv4Address) -> Chosen | None:
    """Return the route that wins: the longest prefix, then a CIDR block before a prefix list."""
    candidates: list[tuple[int, int, Route]] = []
    for route in table.routes:
        listed = route.destination.startswith("pl-")
        for cidr in networks_of(spec, route.destination) if listed else (route.destination,):
            if destination in parsed.network(cidr):
                candidates.append((parsed.network(cidr).prefixlen, 0 if listed else 1, route))
    named = {route.destination for route in table.routes}
    for endpoint in vpc.endpoints:
        if endpoint.kind == "public" and endpoint.prefix_list_id not in named:
            for cidr in networks_of(spec, endpoint.prefix_list_id):
                if destination in parsed.network(cidr):
                    implied = Route(endpoint.prefix_list_id, endpoint.endpoint_id)
                    candidates.append((parsed.network(cidr).prefixlen, -1, implied))
    if not candidates:
        return None
    return Chosen(table, max(candidates, key=lambda each: each[:2])[2])


def _inside(vpc: Vpc, table: RouteTable, at: Subnet, destination: IPv4Address) -> Chosen | None:
    """Return the route for the whole block of another subnet that is more specific than the local one, if any."""
    blocks = {each.cidr for each in vpc.subnets if each != at and destination in parsed.network(each.cidr)}
    return next((Chosen(table, route) for route in table.routes if route.destination in blocks), None)


def _end_of_way(vpc: Vpc, way: Way, chosen: Chosen, packet: Packet, *, inside: bool) -> Way:
    """Complete a way whose last route does not lead to a NAT gateway."""
    table, route = chosen.table.route_table_id, chosen.route
    about = (table, route.destination, route.target)
    endpoint = next((each for each in vpc.endpoints if each.endpoint_id == route.target), None)
    if not inside and endpoint is None and route.target == vpc.internet_gateway:
        way.kind = "internet"
        if way.nats and not way.nats[-1].public:
            message = f"{way.nats[-1].nat_gateway_id} is private, so none of its packets pass {route.target}"
            return way.ends(about, message)
    elif not inside and endpoint is not None and _takes(endpoint, route):
        if packet.protocol != TCP or packet.port not in SERVICE_PORTS:
            return way.ends(about, f"{route.target} takes TCP to port 80 and 443, not {spoken(packet)}")
        way.kind, way.endpoint = "endpoint", endpoint
    elif route.target.startswith("eni-"):
        interface = next((each for each in vpc.interfaces if each.interface_id == route.target), None)
        if interface is None or interface.container_id is None:
            return way.ends(about, f"{route.target} is attached to nothing that could take packets")
        if way.nats:
            return way.ends(about, f"{way.nats[-1].nat_gateway_id} does not forward packets to other interfaces")
        if packet.destination in kept_addresses(vpc):
            return way.ends(about, f"{packet.destination} belongs to the VPC itself, so no route leads to an interface")
        way.kind, way.interface = "interface", interface
    else:
        message = f"the route of {table} for {route.destination} leads to {route.target}, which takes no packets"
        return way.ends(about, message)
    way.reasons.append(Reason(about, f"{table} sends {route.destination} to {route.target}"))
    return way


def kept_addresses(vpc: Vpc) -> frozenset[str]:
    """Return the VPC's addresses that no route leads to an interface: the router's, and those of endpoints."""
    endpoints = {each.endpoint_id for each in vpc.endpoints if each.kind == "interface"}
    of_endpoints = (each for each in vpc.interfaces if each.endpoint_id in endpoints)
    return router_addresses(vpc).union(*(each.addresses for each in of_endpoints))


def resolver_addresses(vpc: Vpc) -> tuple[str, ...]:
    """Return the resolver's addresses: the first network's base plus two, and link-local; none without DNS."""
    return (str(parsed.network(vpc.cidrs[0])[2]), LOCAL_RESOLVER_ADDRESS) if vpc.dns_support else ()


def router_addresses(vpc: Vpc) -> frozenset[str]:
    """Return every address of a VPC's router."""
    own = {str(parsed.network(subnet.cidr)[1]) for subnet in vpc.subnets}
    return frozenset({*own, LOCAL_CREDENTIALS_ADDRESS, LOCAL_ENDPOINT_ADDRESS, *resolver_addresses(vpc)})


def _takes(endpoint: Endpoint, route: Route) -> bool:
    return endpoint.kind in ("gateway", "public") and endpoint.prefix_list_id == route.destination


def _no_route(spec: NetworkSpec, vpc: Vpc, table: RouteTable, packet: Packet) -> tuple[tuple[str, ...], str]:
    """Return the subjects and the sentence for a missing route, with the remedy if the destination is a service."""
    services = {each.prefix_list_id: each.service for each in vpc.endpoints if each.prefix_list_id}
    for prefix_list in spec.prefix_lists:
        listed = prefix_list.prefix_list_id
        # If no endpoint tells the list's service, it is S3's, because then there is no other list.
        service = services.get(listed, "" if any(each.kind == "far" for each in vpc.endpoints) else "s3")
        if service and holds(spec, listed, packet.destination):
            remedy = f"create a gateway endpoint associated with {table.route_table_id}"
            if service != "s3":
                remedy = f"create an interface endpoint of the service, or lead {table.route_table_id} to a NAT gateway"
            spoken_of = "S3" if service == "s3" else "the API"
            return (
                table.route_table_id,
                listed,
            ), f"{table.route_table_id} has no route to {listed} ({spoken_of}): {remedy}"
    return (table.route_table_id,), f"{table.route_table_id} has no route to {packet.destination}"
