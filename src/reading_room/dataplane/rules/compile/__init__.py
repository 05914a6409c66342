"""The compiler of a VPC into the configuration of its router. Pure; VPCs do not depend on each other.

``compile_vpc`` depends only on its arguments, so a caller that keeps its results compiles only what changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from reading_room.dataplane.rules import parsed
from reading_room.dataplane.rules.compile import names
from reading_room.dataplane.rules.compile.base_chains import FIXED_CHAINS, base_chains
from reading_room.dataplane.rules.compile.between_hosts import (
    elsewhere,
    remote_gateway,
    sent_to_gateway,
    tunnel,
    tunnel_sets,
)
from reading_room.dataplane.rules.compile.endpoints import endpoint_listeners, endpoint_sets, listening, reach
from reading_room.dataplane.rules.compile.flow_logs import logged_sets
from reading_room.dataplane.rules.compile.gateways import elastic_of, gateway_sets, returns, translations, uplink
from reading_room.dataplane.rules.compile.interfaces import NO_HOPS, interface_sets, led, led_here, through
from reading_room.dataplane.rules.compile.routes import far_ways, inner_interface_ways, inner_ways, interface_ways, ways
from reading_room.dataplane.rules.compile.security_groups import Kept, compile_groups
from reading_room.dataplane.rules.compile.topology import (
    attached,
    links,
    local_listeners,
    router_addresses,
    tables_by_subnet,
    topology_sets,
)
from reading_room.dataplane.rules.host import HostConfig, RouterConfig, link_name, namespace_name, tunnel_hop
from reading_room.dataplane.rules.nftables import KeyType, NamedSet, Ruleset
from reading_room.dataplane.spec import ListenerLabel, NetworkSpec, PrefixList, RouteTable, Underlay, Vpc

ANYWHERE = "0.0.0.0/0"


def compile_host(spec: NetworkSpec) -> HostConfig:
    """Return the configuration of the host's kernel for the whole spec. Raises as ``compile_vpc`` does."""
    routers = (compile_vpc(vpc, spec.prefix_lists, underlay=spec.underlay) for vpc in spec.vpcs)
    return HostConfig(tuple(sorted(routers, key=lambda router: router.vpc_id)))


def listener_labels(vpc: Vpc) -> tuple[ListenerLabel, ...]:
    """Return the labels of the listeners in a VPC on one host."""
    return (*local_listeners(vpc), *endpoint_listeners(vpc, listening(vpc)))


def compile_vpc(
    vpc: Vpc, prefix_lists: tuple[PrefixList, ...], kept: Kept = frozenset(), *, underlay: Underlay | None = None
) -> RouterConfig:
    """Return one VPC's router. ``kept`` are combinations of groups whose chains stay even if no interface has them.

    An interface without a container has no wire and does not appear in the result. A caller that does not have a
    container's namespace open should remove the ``container_id`` before compiling, so that packets to it are reported.
    ``underlay`` has the other hosts, if there are any. Raises ``ValueError`` if the VPC contradicts itself: a subnet
    without its route table, an interface without its subnet or group, or a malformed address or name.
    """
    lists = {each.prefix_list_id: each.cidrs for each in prefix_lists}
    _must_fit(vpc)
    interfaces = tuple(sorted(attached(vpc), key=lambda interface: interface.interface_id))
    services = listening(vpc)
    tables = tables_by_subnet(vpc)
    groups = compile_groups(vpc, interfaces, services, lists, kept)
    found = ways(vpc, lists)
    far, inner = far_ways(vpc, found, lists), inner_ways(vpc)
    by_interface, inner_interface = interface_ways(vpc, lists), inner_interface_ways(vpc)
    sources: dict[str, list[str]] = {}
    for each in interfaces:
        sources.setdefault(tables[each.subnet_id].route_table_id, []).extend(each.addresses)
    elastic = elastic_of(vpc, (address for each in interfaces for address in each.addresses))
    wires = links(vpc, interfaces)
    way_out = None if underlay is None else tunnel(vpc, underlay)
    remote = ([], []) if way_out is None else elsewhere(vpc, way_out.device, tables)
    hops = NO_HOPS if underlay is None else {each.host: tunnel_hop(each.number) for each in underlay.others}
    ways_here = led_here(vpc, by_interface, inner_interface)
    out = uplink(vpc, found)
    gateway = remote_gateway(vpc, underlay, out)
    # Of the addresses on other hosts, a host translates those that pass its gateways or reach its interfaces.
    everywhere = sources if way_out is None else _with_others(vpc, sources, tables)
    if way_out is not None and gateway is None:
        elastic = elastic_of(vpc, (address for each in everywhere.values() for address in each))
    if gateway is None:
        explained = translations(found, inner, everywhere, elastic)
    else:
        served = (*(way for way in found if way.taker.endpoint is not None), *far)
        explained = (
            *translations(served, inner, everywhere, elastic, inbound=False),
            *sent_to_gateway(gateway, found, sources, elastic),
        )
    sets = [
        *topology_sets(vpc, interfaces, services, tables, remote),
        *([] if way_out is None else tunnel_sets(wires, way_out.device, gateway, ways_here)),
        *groups.sets,
        *endpoint_sets(vpc, found, far, services),
        *gateway_sets(vpc, found, inner, elastic),
        *interface_sets(by_interface, inner_interface),
        *logged_sets(
            [link_name(each.interface_id) for each in interfaces if each.logged],
            [address for each in services if each.logged for address in each.addresses],
        ),
        NamedSet(names.DNS_RATE, (KeyType.ADDRESS,), filled="rates"),
        NamedSet(names.CONNECTIONS, (KeyType.ADDRESS,), filled="counts"),
    ]
    return RouterConfig(
        vpc_id=vpc.vpc_id,
        namespace=namespace_name(vpc.vpc_id),
        addresses=router_addresses(vpc),
        blackholes=(ANYWHERE, *sorted(vpc.cidrs)),
        links=wires,
        listeners=tuple(sorted(listener_labels(vpc), key=lambda label: (label.kind, label.address, label.port))),
        reach=reach((*found, *far), sources, elastic),
        ruleset=Ruleset(
            tuple(sorted(sets, key=lambda each: each.name)),
            tuple(
                sorted(
                    (*base_chains(way_out.device if way_out else ""), *FIXED_CHAINS, *groups.chains),
                    key=lambda chain: chain.name,
                )
            ),
        ),
        uplink=out if gateway is None else None,
        endpoint_addresses=tuple(sorted(address for each in services for address in each.addresses)),
        returns=returns(vpc),
        translations=(
            *explained,
            *led(by_interface, inner_interface, everywhere),
        ),
        through=through(by_interface, inner_interface, way_out.device if way_out else "", hops),
        tunnel=way_out,
        remote_gateway=gateway,
    )


def _with_others(vpc: Vpc, sources: Mapping[str, list[str]], tables: Mapping[str, RouteTable]) -> dict[str, list[str]]:
    """Return ``sources``, the addresses of interfaces here by route table, with those on other hosts."""
    found = {table: list(addresses) for table, addresses in sources.items()}
    networks = [(parsed.network(each.cidr), tables[each.subnet_id].route_table_id) for each in vpc.subnets]
    for address in sorted(each.address for each in vpc.placements):
        table = next(table for network, table in networks if parsed.address(address) in network)
        found.setdefault(table, []).append(address)
    return found


def _must_fit(vpc: Vpc) -> None:
    """Raise ``ValueError`` for a reference to something that the VPC does not have."""
    tables: Mapping[str, object] = {table.route_table_id: table for table in vpc.route_tables}
    subnets = {subnet.subnet_id for subnet in vpc.subnets}
    if not vpc.cidrs:
        raise ValueError(f"{vpc.vpc_id} has no network of its own")
    for subnet in vpc.subnets:
        if subnet.route_table_id not in tables:
            raise ValueError(f"{subnet.subnet_id} uses {subnet.route_table_id}, which {vpc.vpc_id} does not have")
    for interface in vpc.interfaces:
        if interface.subnet_id not in subnets:
            raise ValueError(f"{interface.interface_id} is in {interface.subnet_id}, which {vpc.vpc_id} does not have")
    for nat in vpc.nat_gateways:
        if nat.subnet_id not in subnets:
            raise ValueError(f"{nat.nat_gateway_id} is in {nat.subnet_id}, which {vpc.vpc_id} does not have")
