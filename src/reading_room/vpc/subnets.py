"""Subnets: parts of a VPC's blocks."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import cidrs, lookup, tags, vpcs
from reading_room.vpc.errors import DependencyViolation, InvalidSubnetConflict, InvalidSubnetRange
from reading_room.vpc.identifiers import SUBNET
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import AddressRest, NetworkInterface, RouteTableAssociation, Subnet, Vpc
from reading_room.vpc.zones import Zone


def create(session: Session, vpc: Vpc, cidr: str, zone: Zone, now: dt.datetime, *, quotas: Quotas = Quotas()) -> Subnet:
    """Make a subnet.

    Raises ``NotACidrBlock``, ``InvalidSubnetRange`` (size, or outside the VPC), ``InvalidSubnetConflict`` (overlap),
    ``LimitExceeded``.
    """
    block = cidrs.canonical("cidrBlock", cidr)
    inside = any(cidrs.contains(outer, block) for outer in vpcs.cidrs_of(session, vpc.vpc_id))
    if not inside or not cidrs.fits_a_vpc(block):
        raise InvalidSubnetRange(cidr)
    others = list(session.scalars(select(Subnet.cidr).where(Subnet.vpc_id == vpc.vpc_id)))
    if any(cidrs.overlap(block, other) for other in others):
        raise InvalidSubnetConflict(cidr)
    require_room(len(others), quotas.subnets_per_vpc, "SubnetLimitExceeded", "subnets of the VPC")
    subnet = Subnet(
        subnet_id=resource_id("subnet"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        cidr=block,
        availability_zone=zone.name,
        availability_zone_id=zone.zone_id,
        created_at=now,
    )
    session.add(subnet)
    session.flush()
    return subnet


def delete_subnet(session: Session, account: str, subnet_id: str) -> None:
    """Delete a subnet with its association. Raises ``DependencyViolation`` while it has an interface."""
    subnet: Subnet = lookup.one(session, SUBNET, account, subnet_id)
    interfaces = session.scalar(
        select(func.count()).select_from(NetworkInterface).where(NetworkInterface.subnet_id == subnet_id)
    )
    if interfaces:
        raise DependencyViolation("subnet", subnet_id)
    session.execute(delete(RouteTableAssociation).where(RouteTableAssociation.subnet_id == subnet_id))
    session.execute(delete(AddressRest).where(AddressRest.subnet_id == subnet_id))
    tags.forget(session, subnet_id)
    session.delete(subnet)
    session.flush()
