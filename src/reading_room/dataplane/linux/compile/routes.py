"""Route tables: which destinations a table sends to an endpoint, after every other route has had its say.

The longest prefix wins; between equal ones the VPC itself, then a network written out, then a prefix list. The VPC's
own networks and the link-local ones always win, whatever is written. What is left of a prefix list becomes disjoint
networks, since the ruleset knows no precedence between the elements of a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, collapse_addresses

from reading_room.dataplane.spec import Endpoint, RouteTable, Vpc

LINK_LOCAL = "169.254.0.0/16"
"""Addresses that no route of a VPC can carry."""


@dataclass(frozen=True, slots=True)
class Way:
    """The destinations that a route table sends to an endpoint: disjoint networks, sorted."""

    table: RouteTable
    endpoint: Endpoint
    networks: tuple[str, ...]


def ways(vpc: Vpc, prefix_lists: Mapping[str, tuple[str, ...]]) -> tuple[Way, ...]:
    """Return every way from a route table to an endpoint, sorted by table number and endpoint number.

    A gateway endpoint needs a route of its own prefix list; any other route that names it leads nowhere. A public
    endpoint is there for every table that does not send its prefix list elsewhere.
    """
    found = []
    for table in vpc.route_tables:
        by_endpoint: dict[str, list[IPv4Network]] = {}
        endpoints = {endpoint.endpoint_id: endpoint for endpoint in vpc.endpoints}
        for network, owner in _regions(vpc, table, endpoints, prefix_lists):
            by_endpoint.setdefault(owner, []).append(network)
        found += [
            Way(table, endpoints[owner], tuple(str(network) for network in collapse_addresses(networks)))
            for owner, networks in by_endpoint.items()
        ]
    return tuple(sorted(found, key=lambda way: (way.table.number, way.endpoint.number)))


def _regions(
    vpc: Vpc, table: RouteTable, endpoints: Mapping[str, Endpoint], prefix_lists: Mapping[str, tuple[str, ...]]
) -> list[tuple[IPv4Network, str]]:
    """Return disjoint networks, each with the endpoint that the table sends it to."""
    owners: dict[IPv4Network, str] = {}
    listed: set[str] = set()
    # In rising precedence: a later line replaces an earlier one of the same network.
    for route in reversed(table.routes):
        if route.destination.startswith("pl-"):
            listed.add(route.destination)
            endpoint = endpoints.get(route.target)
            takes = endpoint is not None and endpoint.prefix_list_id == route.destination
            owner = route.target if takes else ""
            owners.update((IPv4Network(cidr), owner) for cidr in prefix_lists.get(route.destination, ()))
    for endpoint in vpc.endpoints:
        if endpoint.kind == "public" and endpoint.prefix_list_id not in listed:
            for cidr in prefix_lists.get(endpoint.prefix_list_id, ()):
                owners.setdefault(IPv4Network(cidr), endpoint.endpoint_id)
    for route in table.routes:
        if not route.destination.startswith("pl-"):
            owners[IPv4Network(route.destination)] = ""
    if not any(owners.values()):
        return []
    fixed = [IPv4Network(cidr) for cidr in (*vpc.cidrs, LINK_LOCAL)]
    owners = {network: owner for network, owner in owners.items() if not any(network.subnet_of(f) for f in fixed)}
    owners.update(dict.fromkeys(fixed, ""))
    regions = []
    for network, owner in owners.items():
        if owner:
            inside = [other for other in owners if other != network and other.subnet_of(network)]
            regions += [(part, owner) for part in _without(network, inside)]
    return regions


def _without(network: IPv4Network, holes: list[IPv4Network]) -> list[IPv4Network]:
    parts = [network]
    for hole in collapse_addresses(holes):
        parts = [
            piece
            for part in parts
            for piece in (part.address_exclude(hole) if hole != part and hole.subnet_of(part) else [part])
            if piece != hole
        ]
    return parts
