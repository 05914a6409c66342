"""Subnets: creating and deleting them in a VPC's blocks."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Iterator

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import addresses, cidrs
from reading_room.vpc.addressing.errors import (
    DefaultSubnetAlreadyExists,
    DefaultVpcDoesNotExist,
    InvalidSubnetConflict,
    InvalidSubnetRange,
    NoRoomForDefaultSubnet,
)
from reading_room.vpc.errors import DependencyViolation
from reading_room.vpc.identifiers import SUBNET
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import AddressRest, NetworkInterface, RouteTableAssociation, Subnet, Vpc
from reading_room.vpc.zones import Zone

DEFAULT_PREFIX = 20
"""The prefix length of a zone's default subnet."""


def create(session: Session, vpc: Vpc, cidr: str, zone: Zone, now: dt.datetime, *, quotas: Quotas = Quotas()) -> Subnet:
    """Create a subnet.

    Raises ``NotACidrBlock``, ``InvalidSubnetRange`` (size, or outside the VPC), ``InvalidSubnetConflict`` (overlap),
    ``LimitExceeded``.
    """
    block = cidrs.canonical("cidrBlock", cidr)
    inside = any(cidrs.contains(outer, block) for outer in lookup.vpc_cidrs(session, vpc.vpc_id))
    if not inside or not cidrs.fits_a_vpc(block):
        raise InvalidSubnetRange(cidr)
    others = list(session.scalars(select(Subnet.cidr).where(Subnet.vpc_id == vpc.vpc_id)))
    if any(cidrs.overlap(block, other) for other in others):
        raise InvalidSubnetConflict(cidr)
    require_room(len(others), quotas.subnets_per_vpc, "SubnetLimitExceeded", "subnets of the VPC")
    subnet = _row(vpc, block, zone, now)
    session.add(subnet)
    session.flush()
    return subnet


def create_default(
    session: Session, account: str, zone: Zone, now: dt.datetime, *, quotas: Quotas = Quotas()
) -> Subnet:
    """Create the default subnet of a zone again: the first free /20 of the default VPC.

    Raises ``DefaultVpcDoesNotExist``, ``DefaultSubnetAlreadyExists``, ``NoRoomForDefaultSubnet`` or ``LimitExceeded``.
    """
    vpc = lookup.default_vpc(session, account)
    if vpc is None:
        raise DefaultVpcDoesNotExist
    rows = list(session.scalars(select(Subnet).where(Subnet.vpc_id == vpc.vpc_id)))
    for row in rows:
        if row.default_for_az and row.availability_zone == zone.name:
            raise DefaultSubnetAlreadyExists(row.subnet_id, zone.name)
    taken = [row.cidr for row in rows]
    free = (block for block in _default_blocks(session, vpc) if not any(cidrs.overlap(block, each) for each in taken))
    block = next(free, None)
    if block is None:
        raise NoRoomForDefaultSubnet(vpc.vpc_id)
    subnet = create(session, vpc, block, zone, now, quotas=quotas)
    subnet.default_for_az = True
    subnet.map_public_ip_on_launch = True
    session.flush()
    return subnet


def create_defaults(session: Session, vpc: Vpc, zones: Iterable[Zone], now: dt.datetime) -> None:
    """Create the default subnet of each zone in a default VPC that has no subnets yet."""
    for zone, block in zip(zones, _default_blocks(session, vpc), strict=False):
        session.add(_row(vpc, block, zone, now, default_for_az=True, map_public_ip_on_launch=True))
    session.flush()


def delete_subnet(session: Session, account: str, subnet_id: str) -> None:
    """Delete a subnet and its route table association.

    Raises ``DependencyViolation`` while it has an interface, or some host may still have one of its addresses.
    """
    subnet: Subnet = lookup.one(session, SUBNET, account, subnet_id)
    interfaces = select(func.count()).select_from(NetworkInterface).where(NetworkInterface.subnet_id == subnet_id)
    held = addresses.count_held(subnet_id)
    if session.scalar(select(interfaces.scalar_subquery() + held.scalar_subquery())):
        raise DependencyViolation("subnet", subnet_id)
    session.execute(delete(RouteTableAssociation).where(RouteTableAssociation.subnet_id == subnet_id))
    session.execute(delete(AddressRest).where(AddressRest.subnet_id == subnet_id))
    tags.forget(session, subnet_id)
    session.delete(subnet)
    session.flush()


def _row(vpc: Vpc, block: str, zone: Zone, now: dt.datetime, **more: bool) -> Subnet:
    return Subnet(
        subnet_id=resource_id("subnet"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        cidr=block,
        availability_zone=zone.name,
        availability_zone_id=zone.zone_id,
        created_at=now,
        **more,
    )


def _default_blocks(session: Session, vpc: Vpc) -> Iterator[str]:
    for cidr in lookup.vpc_cidrs(session, vpc.vpc_id):
        network = ipaddress.IPv4Network(cidr)
        if network.prefixlen <= DEFAULT_PREFIX:
            yield from map(str, network.subnets(new_prefix=DEFAULT_PREFIX))
