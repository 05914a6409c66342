"""The checks of the network in a document, VPC by VPC. The network driver checks again what it compiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.agent.values import (
    IDS,
    address,
    apart,
    at_most,
    between,
    identifier,
    matches,
    network,
    once,
    refuse,
    shown,
)
from reading_room.dataplane.spec import (
    ALL_PROTOCOLS,
    LAST_VNI,
    LEAST_UNDERLAY_MTU,
    MOST_HOSTS,
    CidrPeer,
    GroupPeer,
    Interface,
    NetworkSpec,
    PrefixList,
    PrefixListPeer,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

VPCS, INTERFACES, ITEMS, RULES, MEMBERS, CIDRS = 10_000, 20_000, 20_000, 2_000, 20_000, 10_000
ADDRESSES = 64
MOST_MTU, MOST_PORT = 65_535, 65_535
CONTAINER = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,63})\Z")
HOST = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._-]{0,62})\Z")
_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}\Z")
_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\Z")
_TARGETS = ("vpce", "igw", "nat", "eni")
_NOT_PUBLIC = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    "224.0.0.0/3",
)
_CLOSED = tuple(network(each, "closed networks") for each in _NOT_PUBLIC)


def check_network(spec: NetworkSpec) -> None:
    """Raise ``SpecRefused`` unless every VPC and prefix list is of the right form."""
    at_most(spec.vpcs, VPCS, "VPCs")
    at_most(spec.prefix_lists, ITEMS, "prefix lists")
    at_most([each for vpc in spec.vpcs for each in vpc.interfaces], INTERFACES, "interfaces")
    for prefix_list in spec.prefix_lists:
        _check_prefix_list(prefix_list)
    once((each.prefix_list_id for each in spec.prefix_lists), "prefix list")
    for vpc in spec.vpcs:
        _check_vpc(vpc)
    once((vpc.vpc_id for vpc in spec.vpcs), "VPC")
    once((vpc.vni for vpc in spec.vpcs), "VNI")
    once((each.interface_id for vpc in spec.vpcs for each in vpc.interfaces), "interface")
    once(_public_addresses(spec), "public address")
    _check_hosts(spec)


def _check_hosts(spec: NetworkSpec) -> None:
    """Refuse an underlay in which two hosts share anything, and addresses on hosts that are not in it."""
    underlay = spec.underlay
    known = set() if underlay is None else {each.host for each in underlay.others}
    for vpc in spec.vpcs:
        for placement in vpc.placements:
            if placement.host not in known:
                refuse(vpc.vpc_id, f"{placement.address} is on {shown(placement.host)}, which is no other host")
            if placement.interface_id:
                identifier("eni", placement.interface_id)
        _check_placed(vpc)
        if vpc.gateway_host is not None and vpc.gateway_host not in known:
            refuse(vpc.vpc_id, f"its gateways are on {shown(vpc.gateway_host)}, which is no other host")
    if underlay is None:
        return
    places = (underlay.here, *underlay.others)
    at_most(places, MOST_HOSTS, "hosts")
    between(underlay.mtu, LEAST_UNDERLAY_MTU, MOST_MTU, "MTU of the underlay")
    for place in places:
        matches(HOST, place.host, "host of the underlay")
        between(place.number, 1, MOST_HOSTS, f"{place.host}: number")
        address(place.underlay, f"{place.host}: address in the underlay")
        between(place.port, 1 if place.key else 0, MOST_PORT if place.key else 0, f"{place.host}: port")
        if place.key:
            matches(_KEY, place.key, f"{place.host}: public key")
    once((each.host for each in places), "host")
    once((each.number for each in places), "number of a host")
    once((each.underlay for each in places), "address in the underlay")
    once((each.key for each in places if each.key), "public key of a host")


def _check_placed(vpc: Vpc) -> None:
    """Refuse an interface on two hosts, since a route to it could lead to either."""
    homes = {each.interface_id: "this host" for each in vpc.interfaces if each.container_id is not None}
    for placement in vpc.placements:
        if placement.interface_id and homes.setdefault(placement.interface_id, placement.host) != placement.host:
            there = f"{homes[placement.interface_id]} and {placement.host}"
            refuse(vpc.vpc_id, f"{placement.interface_id} is on two hosts: {there}")


def _public_addresses(spec: NetworkSpec) -> Iterator[str]:
    for vpc in spec.vpcs:
        yield from (each.public for each in vpc.elastic_addresses)
        yield from (public for nat in vpc.nat_gateways for public in nat.public)


def _check_vpc(vpc: Vpc) -> None:
    identifier("vpc", vpc.vpc_id)
    about = vpc.vpc_id
    between(vpc.vni, 1, LAST_VNI - 1, f"{about}: VNI")
    for items, name in (
        *((vpc.subnets, "subnets"), (vpc.route_tables, "route tables"), (vpc.groups, "groups")),
        *((vpc.endpoints, "endpoints"), (vpc.interfaces, "interfaces"), (vpc.placements, "placements")),
    ):
        at_most(items, ITEMS, f"{about}: {name}")
    between(len(vpc.cidrs), 1, 64, f"{about}: networks")
    networks = [network(cidr, about) for cidr in vpc.cidrs]
    apart(networks, f"{about}: networks")
    tables = {table.route_table_id for table in vpc.route_tables}
    subnets = _check_subnets(vpc, networks, tables)
    for table in vpc.route_tables:
        identifier("rtb", table.route_table_id)
        between(table.number, 1, 1_000_000, f"{table.route_table_id}: number")
        at_most(table.routes, ITEMS, f"{table.route_table_id}: routes")
        for route in table.routes:
            if not IDS["pl"].match(route.destination):
                network(route.destination, table.route_table_id)
            if route.target != "blackhole" and not any(IDS[kind].match(route.target) for kind in _TARGETS):
                refuse(table.route_table_id, f"{shown(route.target)} is not a target of a route")
    for endpoint in vpc.endpoints:
        identifier("far" if endpoint.kind == "far" else "vpce", endpoint.endpoint_id)
        if endpoint.kind != "interface":
            identifier("pl", endpoint.prefix_list_id)
        elif endpoint.prefix_list_id:
            refuse(endpoint.endpoint_id, "an interface endpoint has no prefix list")
        between(endpoint.number, 1, 2_000, f"{endpoint.endpoint_id}: number")
    once((each.number for each in vpc.route_tables), f"{about}: number of a route table")
    once((each.number for each in vpc.endpoints), f"{about}: number of an endpoint")
    once(
        (
            *(each.subnet_id for each in vpc.subnets),
            *(each.route_table_id for each in vpc.route_tables),
            *(each.endpoint_id for each in vpc.endpoints),
            *(each.group_id for each in vpc.groups),
            *(each.nat_gateway_id for each in vpc.nat_gateways),
            *(each.allocation_id for each in vpc.elastic_addresses),
        ),
        f"{about}: id",
    )
    _check_groups(vpc)
    _check_interfaces(vpc, subnets)
    _check_nat_gateways(vpc)
    _check_elastic_addresses(vpc)


def _check_subnets(vpc: Vpc, networks: list[tuple[int, int]], tables: set[str]) -> dict[str, tuple[int, int]]:
    subnets: dict[str, tuple[int, int]] = {}
    for subnet in vpc.subnets:
        subnets[subnet.subnet_id] = _check_subnet(subnet, networks, tables)
    apart(list(subnets.values()), f"{vpc.vpc_id}: subnets")
    return subnets


def _check_subnet(subnet: Subnet, networks: list[tuple[int, int]], tables: set[str]) -> tuple[int, int]:
    identifier("subnet", subnet.subnet_id)
    first, last = network(subnet.cidr, subnet.subnet_id)
    if not any(low <= first and last <= high for low, high in networks):
        refuse(subnet.subnet_id, f"{subnet.cidr} is outside of its VPC")
    if subnet.route_table_id not in tables:
        refuse(subnet.subnet_id, f"its route table {shown(subnet.route_table_id)} is not in its VPC")
    return first, last


def _check_groups(vpc: Vpc) -> None:
    for group in vpc.groups:
        identifier("sg", group.group_id)
        at_most(group.members, MEMBERS, f"{group.group_id}: members")
        for rules in (group.ingress, group.egress):
            at_most(rules, RULES, f"{group.group_id}: rules")
            for rule in rules:
                _check_rule(rule)
        for member in group.members:
            address(member, f"{group.group_id}: member")
    once((each.rule_id for group in vpc.groups for each in (*group.ingress, *group.egress)), f"{vpc.vpc_id}: rule")


def _check_rule(rule: SecurityGroupRule) -> None:
    identifier("sgr", rule.rule_id)
    between(rule.protocol, ALL_PROTOCOLS, 255, f"{rule.rule_id}: protocol")
    between(rule.from_port, -1, 65_535, f"{rule.rule_id}: port")
    between(rule.to_port, -1, 65_535, f"{rule.rule_id}: port")
    match rule.peer:
        case CidrPeer(cidr):
            network(cidr, rule.rule_id)
        case GroupPeer(group_id):
            identifier("sg", group_id)
        case PrefixListPeer(prefix_list_id):
            identifier("pl", prefix_list_id)


def _check_interfaces(vpc: Vpc, subnets: dict[str, tuple[int, int]]) -> None:
    groups = {group.group_id for group in vpc.groups}
    endpoints = {each.endpoint_id for each in vpc.endpoints if each.kind == "interface"}
    for interface in vpc.interfaces:
        identifier("eni", interface.interface_id)
        about = interface.interface_id
        if interface.subnet_id not in subnets:
            refuse(about, f"its subnet {shown(interface.subnet_id)} is not in its VPC")
        first, last = subnets[interface.subnet_id]
        at_most(interface.secondary, ADDRESSES, f"{about}: secondary addresses")
        for each in interface.addresses:
            # The first four addresses and the last one of a subnet belong to AWS.
            if not first + 4 <= address(each, about) < last:
                refuse(about, f"{each} is not an address that its subnet assigns")
        matches(_MAC, interface.mac, f"{about}: hardware address")
        at_most(interface.group_ids, 64, f"{about}: groups")
        if unknown := set(interface.group_ids) - groups:
            refuse(about, f"its group {shown(sorted(unknown)[0])} is not in its VPC")
        _check_owner(interface, endpoints)
    for placement in vpc.placements:
        where = address(placement.address, f"{vpc.vpc_id}: placement")
        if not any(first <= where <= last for first, last in subnets.values()):
            refuse(vpc.vpc_id, f"{placement.address}, on {shown(placement.host)}, is in no subnet")
    once(_private_addresses(vpc), f"{vpc.vpc_id}: address")


def _private_addresses(vpc: Vpc) -> Iterator[str]:
    yield from (private for each in vpc.interfaces for private in each.addresses)
    yield from (each.address for each in vpc.placements)


def _check_owner(interface: Interface, endpoints: set[str]) -> None:
    """Refuse an interface that belongs to more than one of a container, an endpoint and a NAT gateway."""
    about = interface.interface_id
    owners = (interface.container_id, interface.endpoint_id, interface.nat_gateway_id)
    if sum(owner is not None for owner in owners) > 1:
        refuse(about, "it has more than one owner")
    if interface.container_id is not None:
        matches(CONTAINER, interface.container_id, f"{about}: container")
    if interface.endpoint_id is not None and interface.endpoint_id not in endpoints:
        refuse(about, f"{shown(interface.endpoint_id)} is not an interface endpoint of its VPC")
    if interface.nat_gateway_id is not None:
        identifier("nat", interface.nat_gateway_id)


def _check_nat_gateways(vpc: Vpc) -> None:
    interfaces = {each.interface_id: each for each in vpc.interfaces}
    at_most(vpc.nat_gateways, ITEMS, f"{vpc.vpc_id}: NAT gateways")
    for nat in vpc.nat_gateways:
        identifier("nat", nat.nat_gateway_id)
        about = nat.nat_gateway_id
        interface = interfaces.get(nat.interface_id)
        if interface is None or interface.nat_gateway_id != about or interface.subnet_id != nat.subnet_id:
            refuse(about, f"{shown(nat.interface_id)} is not its interface in {shown(nat.subnet_id)}")
        between(len(nat.private), 1, ADDRESSES, f"{about}: private addresses")
        at_most(nat.public, ADDRESSES, f"{about}: public addresses")
        if stray := set(nat.private) - set(interface.addresses):
            refuse(about, f"{shown(sorted(stray)[0])} is not an address of {nat.interface_id}")
        for public in nat.public:
            _check_public(public, about)


def _check_elastic_addresses(vpc: Vpc) -> None:
    if vpc.internet_gateway is not None:
        identifier("igw", vpc.internet_gateway)
    at_most(vpc.elastic_addresses, ITEMS, f"{vpc.vpc_id}: Elastic IPs")
    there = set(_private_addresses(vpc))
    there -= {private for each in vpc.interfaces if each.nat_gateway_id is not None for private in each.addresses}
    for elastic in vpc.elastic_addresses:
        identifier("eipalloc", elastic.allocation_id)
        _check_public(elastic.public, elastic.allocation_id)
        if elastic.private not in there:
            message = f"{shown(elastic.private)} is not an address of an interface that could have it"
            refuse(elastic.allocation_id, message)
    once((each.private for each in vpc.elastic_addresses), f"{vpc.vpc_id}: address with an Elastic IP")


def _check_public(text: str, about: str) -> None:
    """Refuse anything but a public unicast address."""
    number = address(text, about)
    if any(first <= number <= last for first, last in _CLOSED):
        refuse(about, f"{text} is not a public address")


def _check_prefix_list(prefix_list: PrefixList) -> None:
    identifier("pl", prefix_list.prefix_list_id)
    at_most(prefix_list.cidrs, CIDRS, f"{prefix_list.prefix_list_id}: networks")
    for cidr in prefix_list.cidrs:
        network(cidr, prefix_list.prefix_list_id)
