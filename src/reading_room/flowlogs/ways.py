"""The ``traffic-path`` of each route, read from the tables of ``vpc``."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.flowlogs.record import Way
from reading_room.vpc.addressing.prefix_lists import S3_CIDRS, S3_PREFIX_LIST_ID
from reading_room.vpc.tables import (
    InternetGateway,
    NatGateway,
    PrefixList,
    PrefixListEntry,
    Route,
    RouteTableAssociation,
    Subnet,
)

_READ = (InternetGateway, NatGateway, PrefixList, PrefixListEntry, Route, RouteTableAssociation)
WAY_TABLES = frozenset(table.__tablename__ for table in _READ)
"""The tables that the traffic paths depend on."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of each route table, longest prefix first, and the table of each subnet and VPC."""

    by_table: dict[str, tuple[Way, ...]]
    table_of: dict[str, str]

    def of(self, subnet: Subnet) -> tuple[Way, ...]:
        """Return the ways of a subnet's route table."""
        table = self.table_of.get(subnet.subnet_id) or self.table_of.get(subnet.vpc_id)
        return self.by_table.get(table, ()) if table is not None else ()


def read_ways(session: Session) -> Ways:
    """Read the ways of all route tables."""
    networks: dict[str, list[str]] = defaultdict(list, {S3_PREFIX_LIST_ID: list(S3_CIDRS)})
    in_force = (
        select(PrefixListEntry.prefix_list_id, PrefixListEntry.cidr)
        .join(PrefixList, PrefixList.prefix_list_id == PrefixListEntry.prefix_list_id)
        .where(PrefixListEntry.version == PrefixList.version)
    )
    for prefix_list_id, cidr in session.execute(in_force):
        networks[prefix_list_id].append(cidr)
    attached = select(InternetGateway.internet_gateway_id).where(InternetGateway.vpc_id.is_not(None))
    available = select(NatGateway.nat_gateway_id).where(NatGateway.state == "available")
    alive = {*session.scalars(attached), *session.scalars(available)}
    found: dict[str, list[tuple[bool, Way]]] = defaultdict(list)
    for route in session.scalars(select(Route)):
        listed = route.destination.startswith("pl-")
        for network in networks[route.destination] if listed else (route.destination,):
            found[route.route_table_id].append((listed, Way(network, _path(route.target, alive))))
    by_table = {
        table: tuple(way for _, way in sorted(ways, key=lambda each: (-_length(each[1].network), each[0])))
        for table, ways in found.items()
    }
    table_of = {
        entry.subnet_id or entry.vpc_id: entry.route_table_id
        for entry in session.scalars(select(RouteTableAssociation))
    }
    return Ways(by_table, table_of)


def _length(network: str) -> int:
    return ipaddress.ip_network(network).prefixlen


def _path(target: str, alive: set[str]) -> Literal["1", "7", "8", "-"]:
    """Return a target's ``traffic-path``, or ``-``: an interface drops foreign packets, a missing gateway all."""
    if target.startswith("vpce-"):
        return "7"
    if target not in alive:
        return "-"
    return "8" if target.startswith("igw-") else "1"
