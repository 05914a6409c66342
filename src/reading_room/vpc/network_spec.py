"""Reading the network from the tables, in a fixed number of queries.

``read`` returns all of it, as a single host has it, and as everything is checked that depends on rules, routes and
addresses but not on hosts. It has every VPC with an interface, and VPCs with an endpoint, so that the next job there
does not have to wait. In any other VPC nothing can send a packet, so it needs no resources in the kernel.
``host_networks.py`` divides it among several hosts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.dataplane import spec
from reading_room.vpc.addressing import cidrs, prefix_lists
from reading_room.vpc.endpoints.endpoint_services import service_named
from reading_room.vpc.gateways.gateway_spec import Gateways
from reading_room.vpc.groups import permissions
from reading_room.vpc.tables import NETWORK_TABLES as NETWORK_TABLES
from reading_room.vpc.tables import (
    FlowLog,
    NetworkInterface,
    NetworkInterfaceGroup,
    PrefixList,
    PrefixListEntry,
    Route,
    RouteTable,
    RouteTableAssociation,
    SecondaryAddress,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcCidr,
    VpcEndpoint,
)

Row = TypeVar("Row")
_ANY_PORTS = (0, 65535)


def read(session: Session, extra_vpc_ids: Sequence[str] = ()) -> spec.NetworkSpec:
    """Return the whole network, in a stable order, so that equal tables give equal values.

    ``extra_vpc_ids`` are VPCs to include even if they have no interface.
    """
    interfaces = read_interfaces(session)
    wanted = {row.vpc_id for row in interfaces}
    wanted.update(session.scalars(_VPCS_OF_ENDPOINTS))
    wanted.update(extra_vpc_ids)
    vpc_ids = sorted(wanted)
    tables = Tables(session, vpc_ids, interfaces)
    return spec.NetworkSpec(
        vpcs=tuple(tables.vpc(vpc_id) for vpc_id in vpc_ids), prefix_lists=read_prefix_lists(session)
    )


def read_prefix_lists(session: Session) -> tuple[spec.PrefixList, ...]:
    """Return the services' lists, then those of customers with the entries of their latest version."""
    entries: dict[str, list[str]] = {prefix_list_id: [] for prefix_list_id in session.scalars(_PREFIX_LISTS)}
    for prefix_list_id, cidr in session.execute(_ENTRIES_IN_FORCE):
        entries[prefix_list_id].append(cidr)
    return (
        spec.PrefixList(prefix_lists.S3_PREFIX_LIST_ID, prefix_lists.S3_CIDRS),
        spec.PrefixList(prefix_lists.API_PREFIX_LIST_ID, prefix_lists.API_CIDRS),
        *(spec.PrefixList(prefix_list_id, tuple(entries[prefix_list_id])) for prefix_list_id in sorted(entries)),
    )


class InterfaceRow(NamedTuple):
    """The columns of an interface's row that the network needs; a plain tuple, since there may be thousands."""

    interface_id: str
    vpc_id: str
    subnet_id: str
    address: str
    mac: str
    host: str | None
    container_id: str | None
    vpc_endpoint_id: str | None
    nat_gateway_id: str | None
    source_dest_check: bool


def read_interfaces(session: Session) -> list[InterfaceRow]:
    """Return every interface, in order of their ids."""
    return [InterfaceRow(*row) for row in session.execute(_INTERFACES)]


def _number(address: str) -> tuple[int, ...]:
    return tuple(map(int, address.split(".")))


class Tables:
    """The rows of some VPCs, each table read once. ``interfaces`` are all that exist, in order."""

    def __init__(self, session: Session, vpc_ids: Sequence[str], interfaces: Sequence[InterfaceRow]) -> None:
        # Read whole tables: few rows belong to VPCs without an interface, and SQL limits the length of a list of ids.
        self._vpcs = {row.vpc_id: row for row in _rows(session, Vpc)}
        self.vpc_ids = self._vpcs.keys()
        """The ids of every VPC that exists."""
        wanted = set(vpc_ids)
        self._cidrs = _by_vpc(_rows(session, VpcCidr), wanted)
        self._subnets = _by_vpc(_rows(session, Subnet), wanted)
        self._tables = _by_vpc(_rows(session, RouteTable), wanted)
        self._associations = _by_vpc(_rows(session, RouteTableAssociation), wanted)
        self._groups = _by_vpc(_rows(session, SecurityGroup), wanted)
        self._endpoints = _by_vpc(_rows(session, VpcEndpoint), wanted)
        self._interfaces = _by_vpc(interfaces, wanted)
        self._routes: dict[str, list[Route]] = defaultdict(list)
        for route in _rows(session, Route):
            self._routes[route.route_table_id].append(route)
        self._rules: dict[str, list[SecurityGroupRule]] = defaultdict(list)
        for rule in _rows(session, SecurityGroupRule):
            self._rules[rule.group_id].append(rule)
        self._secondary: dict[str, list[str]] = defaultdict(list)
        for interface_id, address in session.execute(_SECONDARY):
            self._secondary[interface_id].append(address)
        addresses = {
            row.interface_id: (row.address, *sorted(self._secondary[row.interface_id], key=_number))
            for row in interfaces
        }
        self._addresses = addresses
        nat_interfaces = {row.nat_gateway_id: row.interface_id for row in interfaces if row.nat_gateway_id is not None}
        open_ones = {row.interface_id: row.vpc_id for row in interfaces if row.host and not row.source_dest_check}
        self._gateways = Gateways(session, nat_interfaces, addresses, open_ones)
        self._carried: dict[str, list[str]] = defaultdict(list)
        self._members: dict[str, list[str]] = defaultdict(list)
        for interface_id, group_id in session.execute(_GROUPS_OF_INTERFACES):
            self._carried[interface_id].append(group_id)
            self._members[group_id].extend(addresses.get(interface_id, ()))
        self._logged = {(kind, identifier) for kind, identifier in session.execute(_LOGGED)}

    def vpc(self, vpc_id: str) -> spec.Vpc:
        """Return a VPC with all its interfaces."""
        row = self._vpcs[vpc_id]
        tables_by_subnet = {entry.subnet_id: entry.route_table_id for entry in self._associations[vpc_id]}
        main = tables_by_subnet[None]
        return spec.Vpc(
            vpc_id=vpc_id,
            vni=row.vni,
            cidrs=tuple(block.cidr for block in self._cidrs[vpc_id]),
            # The DHCP options set "default" means no resolver at all.
            dns_support=row.enable_dns_support and row.dhcp_options_id != "default",
            subnets=tuple(
                spec.Subnet(subnet.subnet_id, subnet.cidr, tables_by_subnet.get(subnet.subnet_id, main))
                for subnet in self._subnets[vpc_id]
            ),
            route_tables=tuple(self._route_table(table) for table in self._tables[vpc_id]),
            groups=tuple(self._group(group) for group in self._groups[vpc_id]),
            endpoints=(
                *(_endpoint(endpoint) for endpoint in self._endpoints[vpc_id]),
                *self._gateways.far_endpoints(vpc_id),
            ),
            interfaces=tuple(map(self._interface, self._interfaces[vpc_id])),
            internet_gateway=self._gateways.internet_gateway(vpc_id),
            elastic_addresses=self._gateways.elastic_addresses(
                [row.interface_id for row in self._interfaces[vpc_id] if row.nat_gateway_id is None]
            ),
            nat_gateways=self._gateways.nat_gateways(vpc_id),
        )

    def _route_table(self, table: RouteTable) -> spec.RouteTable:
        blocks = frozenset(block.cidr for block in self._cidrs[table.vpc_id])
        subnets = {subnet.cidr for subnet in self._subnets[table.vpc_id]}
        found: dict[str, str] = {}
        for route in self._routes[table.route_table_id]:
            target = self._gateways.target(route.target, table.vpc_id)
            if route.destination in subnets or not _inside(route.destination, blocks):
                found[route.destination] = target
            elif route.destination in blocks:
                # The local route has another target, which applies to every subnet without a more specific route.
                for subnet in subnets:
                    if cidrs.contains(route.destination, subnet):
                        found.setdefault(subnet, target)
            # The destination of any other route was the block of a deleted subnet.
        return spec.RouteTable(
            table.route_table_id,
            table.number,
            tuple(spec.Route(destination, found[destination]) for destination in sorted(found)),
        )

    def _group(self, group: SecurityGroup) -> spec.SecurityGroup:
        rules = [rule for rule in self._rules[group.group_id] if rule.cidr_ipv6 is None]
        return spec.SecurityGroup(
            group.group_id,
            ingress=tuple(_rule(rule) for rule in rules if not rule.is_egress),
            egress=tuple(_rule(rule) for rule in rules if rule.is_egress),
            members=tuple(sorted(self._members[group.group_id], key=_number)),
        )

    def _interface(self, row: InterfaceRow) -> spec.Interface:
        covered_by = (
            ("VPC", row.vpc_id),
            ("Subnet", row.subnet_id),
            ("NetworkInterface", row.interface_id),
        )
        return spec.Interface(
            interface_id=row.interface_id,
            subnet_id=row.subnet_id,
            address=row.address,
            mac=row.mac,
            group_ids=tuple(self._carried[row.interface_id]),
            container_id=row.container_id,
            logged=any(resource in self._logged for resource in covered_by),
            secondary=self._addresses[row.interface_id][1:],
            endpoint_id=row.vpc_endpoint_id,
            nat_gateway_id=row.nat_gateway_id,
        )


def _rule(row: SecurityGroupRule) -> spec.SecurityGroupRule:
    number = permissions.protocol_number(row.protocol)
    first, last = _ANY_PORTS if row.from_port is None or row.to_port is None else (row.from_port, row.to_port)
    peer: spec.Peer
    if row.cidr_ipv4 is not None:
        peer = spec.CidrPeer(row.cidr_ipv4)
    elif row.referenced_group_id is not None:
        peer = spec.GroupPeer(row.referenced_group_id)
    elif row.prefix_list_id is not None:
        peer = spec.PrefixListPeer(row.prefix_list_id)
    else:
        raise ValueError(f"the rule {row.rule_id} has no IPv4 peer")
    return spec.SecurityGroupRule(row.rule_id, number, first, last, peer)


def _endpoint(row: VpcEndpoint) -> spec.Endpoint:
    service = service_named(row.service_name)
    networks = prefix_lists.S3_PREFIX_LIST_ID if service == "s3" else prefix_lists.API_PREFIX_LIST_ID
    if row.kind == "Interface":
        return spec.Endpoint(row.vpc_endpoint_id, "interface", service, "", row.number)
    return spec.Endpoint(
        row.vpc_endpoint_id, "public" if row.kind == "Public" else "gateway", service, networks, row.number
    )


@lru_cache(maxsize=4096)
def _inside(destination: str, blocks: frozenset[str]) -> bool:
    return not destination.startswith("pl-") and any(cidrs.contains(block, destination) for block in blocks)


def _rows(session: Session, row_type: type[Row]) -> Sequence[Row]:
    """Return a whole table as plain tuples with the attributes of its class, which cost less than tracked objects."""
    return cast(Sequence[Row], session.execute(_WHOLE[row_type]).all())


def _by_vpc(rows: Iterable[Row], wanted: set[str]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {vpc_id: [] for vpc_id in wanted}
    for row in rows:
        vpc_id: str = cast(Any, row).vpc_id
        if vpc_id in wanted:
            grouped[vpc_id].append(row)
    return grouped


def _whole(row_type: type[Any], *order: Any) -> Select[Any]:
    return select(*rows.table(row_type).columns).order_by(*order)


_WHOLE: Mapping[type[Any], Select[Any]] = {
    Vpc: _whole(Vpc),
    VpcCidr: _whole(VpcCidr, VpcCidr.primary.desc(), VpcCidr.cidr),
    Subnet: _whole(Subnet, Subnet.subnet_id),
    RouteTable: _whole(RouteTable, RouteTable.number),
    RouteTableAssociation: _whole(RouteTableAssociation),
    SecurityGroup: _whole(SecurityGroup, SecurityGroup.group_id),
    VpcEndpoint: _whole(VpcEndpoint, VpcEndpoint.number),
    Route: _whole(Route, Route.destination),
    SecurityGroupRule: _whole(SecurityGroupRule, SecurityGroupRule.rule_id),
}
_VPCS_OF_ENDPOINTS = select(rows.table(VpcEndpoint).c.vpc_id)
# Of the class, not of its table, so that it sees what the session has not written yet.
_INTERFACES = select(*(getattr(NetworkInterface, name) for name in InterfaceRow._fields)).order_by(
    NetworkInterface.interface_id
)
_SECONDARY = select(rows.table(SecondaryAddress).c.interface_id, rows.table(SecondaryAddress).c.address)
_GROUPS_OF_INTERFACES = select(
    rows.table(NetworkInterfaceGroup).c.interface_id, rows.table(NetworkInterfaceGroup).c.group_id
).order_by(NetworkInterfaceGroup.interface_id, NetworkInterfaceGroup.position)
_LOGGED = select(rows.table(FlowLog).c.resource_type, rows.table(FlowLog).c.resource_id)
_PREFIX_LISTS = select(rows.table(PrefixList).c.prefix_list_id)
_ENTRIES_IN_FORCE = (
    select(rows.table(PrefixListEntry).c.prefix_list_id, rows.table(PrefixListEntry).c.cidr)
    .join(PrefixList, PrefixList.prefix_list_id == PrefixListEntry.prefix_list_id)
    .where(PrefixListEntry.version == PrefixList.version)
    .order_by(PrefixListEntry.cidr)
)
