"""VPCs: creating them, deleting them, and their attributes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.addressing import cidrs
from reading_room.vpc.endpoints import interface_endpoints
from reading_room.vpc.errors import DependencyViolation, InvalidParameterValue, MissingParameter
from reading_room.vpc.groups import security_groups
from reading_room.vpc.identifiers import VPC
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.routing import route_tables
from reading_room.vpc.tables import (
    AddressRest,
    InternetGateway,
    NetworkInterface,
    RouteTable,
    RouteTableAssociation,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcCidr,
    VpcEndpoint,
)
from reading_room.vpc.vpcs.errors import DnsHostnamesNeedSupport, InvalidVpcRange

TENANCIES = ("default", "dedicated", "host")
MAX_VNI = 2**24 - 1
_CHILDREN = (Subnet, VpcEndpoint, NetworkInterface, InternetGateway)


def create(
    session: Session,
    account: str,
    cidr: str | None,
    now: dt.datetime,
    *,
    dhcp_options_id: str,
    tenancy: str = "default",
    quotas: Quotas = Quotas(),
    is_default: bool = False,
    internal: bool = False,
) -> Vpc:
    """Create a VPC with its main route table and its default security group.

    Raises ``MissingParameter``, ``NotACidrBlock``, ``InvalidVpcRange``, ``InvalidParameterValue`` or ``LimitExceeded``.
    """
    if cidr is None:
        raise MissingParameter("CidrBlock")
    block = cidrs.canonical("cidrBlock", cidr)
    if not cidrs.fits_a_vpc(block):
        raise InvalidVpcRange(cidr)
    if tenancy not in TENANCIES:
        raise InvalidParameterValue("instanceTenancy", tenancy, f"Expecting one of {', '.join(TENANCIES)}.")
    used = session.scalar(select(func.count()).select_from(Vpc).where(Vpc.account == account))
    require_room(used, quotas.vpcs, "VpcLimitExceeded", "VPCs")
    vpc = Vpc(
        vpc_id=resource_id("vpc"),
        account=account,
        vni=_next_vni(session),
        tenancy=tenancy,
        is_default=is_default,
        internal=internal,
        dhcp_options_id=dhcp_options_id,
        enable_dns_hostnames=is_default,
        created_at=now,
    )
    session.add(vpc)
    session.flush()
    session.add(VpcCidr(association_id=resource_id("vpc-cidr-assoc"), vpc_id=vpc.vpc_id, cidr=block))
    main = route_tables.create(session, vpc, now)
    session.add(
        RouteTableAssociation(
            association_id=resource_id("rtbassoc"),
            vpc_id=vpc.vpc_id,
            route_table_id=main.route_table_id,
            subnet_id=None,
        )
    )
    security_groups.create_default(session, vpc, now)
    return vpc


def delete_vpc(session: Session, account: str, vpc_id: str) -> None:
    """Delete a VPC with its main table and default group. Raises ``DependencyViolation`` if anything else is in it."""
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    groups = list(session.scalars(select(SecurityGroup).where(SecurityGroup.vpc_id == vpc_id)))
    route_table_rows = list(session.scalars(select(RouteTable).where(RouteTable.vpc_id == vpc_id)))
    children = [
        session.scalar(select(func.count()).select_from(table).where(table.vpc_id == vpc_id)) for table in _CHILDREN
    ]
    if any(children) or len(groups) > 1 or len(route_table_rows) > 1:
        raise DependencyViolation("vpc", vpc_id)
    session.execute(delete(RouteTableAssociation).where(RouteTableAssociation.vpc_id == vpc_id))
    for route_table in route_table_rows:
        route_tables.remove(session, route_table)
    for group in groups:
        security_groups.remove(session, group)
    session.execute(delete(AddressRest).where(AddressRest.vpc_id == vpc_id))
    session.execute(delete(VpcCidr).where(VpcCidr.vpc_id == vpc_id))
    tags.forget(session, vpc_id)
    session.delete(vpc)
    session.flush()


def modify(session: Session, account: str, vpc_id: str, attribute: str, value: bool) -> None:
    """Set one attribute of a VPC; ``attribute`` is the name of its column.

    Raises ``DnsHostnamesNeedSupport``, and ``DnsAttributeInUse`` while the private DNS of an endpoint needs it.
    """
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    if attribute == "enable_dns_hostnames" and value and not vpc.enable_dns_support:
        raise DnsHostnamesNeedSupport
    if attribute.startswith("enable_dns") and not value:
        interface_endpoints.require_dns_not_needed(session, vpc_id)
    setattr(vpc, attribute, value)


def make_tenancy_default(session: Session, account: str, vpc_id: str) -> None:
    """Change the tenancy of a VPC to ``default``. As in EC2, this cannot be undone."""
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    vpc.tenancy = "default"


def _next_vni(session: Session) -> int:
    highest = session.scalar(select(func.max(Vpc.vni))) or 0
    if highest < MAX_VNI:
        return highest + 1
    used: Any = set(session.scalars(select(Vpc.vni)))
    return next(number for number in range(1, MAX_VNI + 1) if number not in used)
