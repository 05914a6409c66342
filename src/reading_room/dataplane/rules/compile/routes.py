"""Route tables: where a table finally sends each destination, all its routes considered.

The longest prefix wins, and with equal prefixes a CIDR block wins over a prefix list. The VPC's own networks, and those
that no router forwards, always win, with one exception: a route for the whole block of a subnet is more specific than
the local one (``inner_ways``). Packets to a NAT gateway continue by the table of the gateway's subnet, so a way has the
final receiver of the packets and the last NAT gateway before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TypeVar

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile.spans import Span, common, innermost, networks
from reading_room.dataplane.rules.routing import kept_addresses
from reading_room.dataplane.spec import Endpoint, NatGateway, RouteTable, Subnet, Vpc

UNROUTABLE = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
"""Networks that no router forwards to: this host, loopback, link-local, multicast and reserved."""
Owner = TypeVar("Owner")
PrefixLists = Mapping[str, tuple[str, ...]]
"""The networks of every prefix list, by the list's id."""


@dataclass(frozen=True, slots=True)
class Taker:
    """The final receiver of packets: an endpoint, or the internet gateway if ``None``. ``nat`` is passed last."""

    endpoint: Endpoint | None
    nat: NatGateway | None = None

    @property
    def order(self) -> tuple[int, str]:
        """Return the key by which the ways of a table are sorted."""
        return (self.endpoint.number if self.endpoint else 0, self.nat.nat_gateway_id if self.nat else "")

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the NAT gateway's addresses: public ones toward the outside, private ones toward an endpoint."""
        if self.nat is None:
            return ()
        outside = self.endpoint is None or self.endpoint.kind == "far"
        return self.nat.public if outside else self.nat.private


@dataclass(frozen=True, slots=True)
class Way:
    """The destinations that a route table sends to a taker: disjoint networks, sorted."""

    table: RouteTable
    taker: Taker
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receiver:
    """An interface that routes can lead to. ``host`` is the name of the other host that it is on; empty for this one.

    ``address`` is one of its private addresses, on this host the primary one.
    """

    interface_id: str
    address: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class InterfaceWay:
    """The destinations that a route table sends to an interface, sorted."""

    table: RouteTable
    receiver: Receiver
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InnerInterfaceWay:
    """The same from one subnet to another, by a route more specific than the local one."""

    source: Subnet
    receiver: Receiver
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InnerWay:
    """Packets between two subnets whose table has a route more specific than the local one.

    They pass ``nat`` and arrive with its private address. If it is ``None``, nobody takes them.
    """

    source: Subnet
    destination: Subnet
    nat: NatGateway | None


def ways(vpc: Vpc, prefix_lists: PrefixLists) -> tuple[Way, ...]:
    """Return every way from a route table to a taker, sorted by table number, endpoint number and NAT gateway.

    A gateway endpoint needs a route with its own prefix list; any other route to it leads nowhere. A public endpoint is
    available to every table that does not send its prefix list elsewhere. ``far_ways`` returns the ways to far
    endpoints; here their destinations belong to the internet gateway.
    """
    routing = _Routing(vpc, prefix_lists)
    found = [
        Way(table, taker, networks((first, last) for first, last, _ in spans))
        for table in vpc.route_tables
        for taker, spans in _by_owner(routing.takers(table, ())).items()
    ]
    return tuple(sorted(found, key=lambda way: (way.table.number, way.taker.order)))


def far_ways(vpc: Vpc, found: Iterable[Way], prefix_lists: PrefixLists) -> tuple[Way, ...]:
    """Return the parts of the ways through the internet gateway that far endpoints take. The smallest network wins."""
    owners: dict[IPv4Network, Endpoint] = {}
    for endpoint in vpc.endpoints:
        if endpoint.kind == "far":
            for cidr in prefix_lists.get(endpoint.prefix_list_id, ()):
                owners.setdefault(parsed.network(cidr), endpoint)
    services = innermost(owners)
    return tuple(
        Way(way.table, Taker(endpoint, way.taker.nat), networks((first, last) for first, last, _ in spans))
        for way in found
        if way.taker.endpoint is None
        for endpoint, spans in _by_owner(common(services, map(_ends, way.networks))).items()
    )


def inner_ways(vpc: Vpc) -> tuple[InnerWay, ...]:
    """Return the pairs of subnets between which the local route does not decide, in the order of the subnets.

    Packets within a subnet follow no route.
    """
    by_cidr = {subnet.cidr: subnet for subnet in vpc.subnets}
    tables = {table.route_table_id: table for table in vpc.route_tables}
    return tuple(
        InnerWay(subnet, by_cidr[route.destination], _inner_nat(vpc, tables, subnet, by_cidr[route.destination]))
        for subnet in vpc.subnets
        for route in tables[subnet.route_table_id].routes
        if route.destination in by_cidr and by_cidr[route.destination] != subnet
    )


def receivers(vpc: Vpc) -> dict[str, Receiver]:
    """Return the interfaces with a wire on any host, by their ids."""
    found: dict[str, Receiver] = {}
    for placement in vpc.placements:
        if placement.interface_id:
            there = Receiver(placement.interface_id, placement.address, placement.host)
            found.setdefault(placement.interface_id, there)
    wired = (each for each in vpc.interfaces if each.container_id is not None)
    return found | {each.interface_id: Receiver(each.interface_id, each.address) for each in wired}


def interface_ways(vpc: Vpc, prefix_lists: PrefixLists) -> tuple[InterfaceWay, ...]:
    """Return every way from a route table to an interface with a wire, sorted by table number and interface.

    Only a subnet's own table leads to an interface. After a NAT gateway, nobody takes such packets.
    """
    wired = receivers(vpc)
    routing = _Routing(vpc, prefix_lists)
    return tuple(
        InterfaceWay(table, wired[target], networks((first, last) for first, last, _ in spans))
        for table in sorted(vpc.route_tables, key=lambda each: each.number)
        for target, spans in sorted(_by_owner(innermost(routing.targets(table))).items())
        if target in wired
    )


def inner_interface_ways(vpc: Vpc) -> tuple[InnerInterfaceWay, ...]:
    """Return the ways from subnet to subnet that lead to an interface with a wire, in the order of the subnets.

    They do not include the addresses of routers and interface endpoints, which the kernel delivers before any route.
    """
    wired = receivers(vpc)
    by_cidr = {subnet.cidr: subnet for subnet in vpc.subnets}
    tables = {table.route_table_id: table for table in vpc.route_tables}
    kept = {parsed.network(f"{address}/32"): "" for address in kept_addresses(vpc)}
    found = []
    for subnet in vpc.subnets:
        for route in tables[subnet.route_table_id].routes:
            whole = by_cidr.get(route.destination)
            if whole is not None and whole != subnet and route.target in wired:
                owners = {parsed.network(whole.cidr): route.target}
                owners |= {each: "" for each in kept if each.subnet_of(parsed.network(whole.cidr))}
                spans = _by_owner(innermost(owners)).get(route.target, [])
                passed = networks((first, last) for first, last, _ in spans)
                found.append(InnerInterfaceWay(subnet, wired[route.target], passed))
    return tuple(found)


def _inner_nat(vpc: Vpc, tables: Mapping[str, RouteTable], source: Subnet, destination: Subnet) -> NatGateway | None:
    """Follow the tables from NAT gateway to NAT gateway; return the last one, or ``None`` if the way ends nowhere."""
    passed: list[NatGateway] = []
    at = source
    while at != destination:
        routes = tables[at.route_table_id].routes
        target = next((route.target for route in routes if route.destination == destination.cidr), None)
        if target is None:
            break
        nat = next((each for each in vpc.nat_gateways if each.nat_gateway_id == target), None)
        if nat is None or nat in passed:
            return None
        passed.append(nat)
        at = next(subnet for subnet in vpc.subnets if subnet.subnet_id == nat.subnet_id)
    return passed[-1]


class _Routing:
    """The tables of one VPC, followed through NAT gateways."""

    def __init__(self, vpc: Vpc, prefix_lists: PrefixLists) -> None:
        self.vpc = vpc
        self.lists = prefix_lists
        self.endpoints = {endpoint.endpoint_id: endpoint for endpoint in vpc.endpoints}
        self.nats = {nat.nat_gateway_id: nat for nat in vpc.nat_gateways}
        tables = {table.route_table_id: table for table in vpc.route_tables}
        self.table_of = {subnet.subnet_id: tables[subnet.route_table_id] for subnet in vpc.subnets}
        self.fixed = [parsed.network(cidr) for cidr in (*vpc.cidrs, *UNROUTABLE)]

    def takers(self, table: RouteTable, passed: tuple[str, ...]) -> list[Span[Taker]]:
        """Return disjoint spans in order, each with its taker; ``passed`` are the NAT gateways so far."""
        found: list[Span[Taker]] = []
        for first, last, target in innermost(self.targets(table)):
            nat = self.nats.get(target)
            if target in self.endpoints:
                found.append(Span(first, last, Taker(self.endpoints[target])))
            elif target and target == self.vpc.internet_gateway:
                found.append(Span(first, last, Taker(None)))
            elif nat is not None and target not in passed:
                beyond = self.takers(self.table_of[nat.subnet_id], (*passed, target))
                for span in common(beyond, [(first, last)]):
                    taker = Taker(span.owner.endpoint, span.owner.nat or nat)
                    if taker.addresses:
                        found.append(Span(span.first, span.last, taker))
        return found

    def targets(self, table: RouteTable) -> dict[IPv4Network, str]:
        """Return the target of every network of a table, or empty text if nobody takes its packets."""
        owners: dict[IPv4Network, str] = {}
        listed: set[str] = set()
        # In rising precedence: a later assignment replaces an earlier one for the same network.
        for route in reversed(table.routes):
            if route.destination.startswith("pl-"):
                listed.add(route.destination)
                owner = "" if self._leads_nowhere(route.target, route.destination) else route.target
                owners.update((parsed.network(cidr), owner) for cidr in self.lists.get(route.destination, ()))
        for endpoint in self.vpc.endpoints:
            if endpoint.kind == "public" and endpoint.prefix_list_id not in listed:
                for cidr in self.lists.get(endpoint.prefix_list_id, ()):
                    owners.setdefault(parsed.network(cidr), endpoint.endpoint_id)
        for route in table.routes:
            if not route.destination.startswith("pl-"):
                owners[parsed.network(route.destination)] = "" if route.target in self.endpoints else route.target
        owners = {
            network: owner
            for network, owner in owners.items()
            if not any(network.subnet_of(fixed) for fixed in self.fixed)
        }
        return owners | dict.fromkeys(self.fixed, "")

    def _leads_nowhere(self, target: str, prefix_list_id: str) -> bool:
        """Return whether a route with a prefix list leads to an endpoint for a different list."""
        endpoint = self.endpoints.get(target)
        if endpoint is None:
            return False
        return endpoint.kind not in ("gateway", "public") or endpoint.prefix_list_id != prefix_list_id


def _by_owner(spans: Iterable[Span[Owner]]) -> dict[Owner, list[Span[Owner]]]:
    found: dict[Owner, list[Span[Owner]]] = {}
    for span in spans:
        found.setdefault(span.owner, []).append(span)
    return found


def _ends(network: str) -> tuple[int, int]:
    whole = parsed.network(network)
    return int(whole.network_address), int(whole.broadcast_address)
