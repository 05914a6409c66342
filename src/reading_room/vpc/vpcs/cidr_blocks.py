"""Secondary IPv4 blocks of a VPC: which can be added, and when one can be removed.

The rules are those of the VPC User Guide, "VPC CIDR blocks": the blocks of a VPC do not overlap, private blocks come
from one private range only, and a new block is smaller than the destination of any route that it contains.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup
from reading_room.vpc.addressing import cidrs
from reading_room.vpc.errors import MissingParameter
from reading_room.vpc.identifiers import VPC
from reading_room.vpc.not_found import MalformedId
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.routing import routes
from reading_room.vpc.tables import Route, RouteTable, Subnet, Vpc, VpcCidr
from reading_room.vpc.vpcs.errors import (
    BlockAssociationNotFound,
    BlockConflictsWithRoute,
    BlockConflictsWithVpc,
    BlockInUse,
    BlockRestricted,
    InvalidVpcRange,
    PrimaryBlock,
    TooManyBlocks,
)

_FAMILIES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16")
_NEVER_ADDED = "172.31.0.0/16"


def associate(session: Session, account: str, vpc_id: str, cidr: str | None, *, quotas: Quotas = Quotas()) -> VpcCidr:
    """Add a block to a VPC; every route table has its local route at once.

    Raises ``MissingParameter``, ``NotACidrBlock``, ``InvalidVpcRange``, ``BlockConflictsWithVpc``,
    ``BlockRestricted``, ``BlockConflictsWithRoute`` or ``LimitExceeded``.
    """
    vpc: Vpc = lookup.one(session, VPC, account, vpc_id)
    if not cidr:
        raise MissingParameter("CidrBlock")
    block = cidrs.canonical("cidrBlock", cidr)
    if not cidrs.fits_a_vpc(block):
        raise InvalidVpcRange(cidr)
    own = list(session.scalars(select(VpcCidr.cidr).where(VpcCidr.vpc_id == vpc_id)))
    for other in own:
        if cidrs.overlap(block, other):
            raise BlockConflictsWithVpc(block, other)
        if restricted(block, other):
            raise BlockRestricted(block, other)
    for route in _routes(session, vpc_id):
        if cidrs.contains(block, route.destination):
            raise BlockConflictsWithRoute(block, route.destination)
    if len(own) >= quotas.cidr_blocks_per_vpc:
        raise TooManyBlocks(vpc_id, quotas.cidr_blocks_per_vpc)
    row = VpcCidr(association_id=resource_id("vpc-cidr-assoc"), vpc_id=vpc.vpc_id, cidr=block, primary=False)
    session.add(row)
    session.flush()
    return row


def disassociate(session: Session, account: str, association_id: str) -> VpcCidr:
    """Remove a block from its VPC, with the routes that replaced its local one, and return it.

    Raises ``BlockAssociationNotFound``, ``PrimaryBlock``, or ``BlockInUse`` while it contains a subnet.
    """
    if not association_id.startswith("vpc-cidr-assoc-"):
        raise MalformedId("InvalidVpcCidrBlockAssociationID.Malformed", association_id, "vpc-cidr-assoc")
    row = session.get(VpcCidr, association_id)
    if row is None or session.get_one(Vpc, row.vpc_id).account != account:
        raise BlockAssociationNotFound(association_id)
    if row.primary:
        raise PrimaryBlock(association_id)
    for subnet in session.scalars(select(Subnet).where(Subnet.vpc_id == row.vpc_id)):
        if cidrs.contains(row.cidr, subnet.cidr):
            raise BlockInUse(association_id, subnet.subnet_id)
    for route in _routes(session, row.vpc_id):
        if cidrs.contains(row.cidr, route.destination):
            session.delete(route)
    routes.forget_block(session, row.vpc_id, row.cidr)
    session.delete(row)
    session.flush()
    return row


def restricted(block: str, own: str) -> bool:
    """Return whether ``block`` must not be added to a VPC with the block ``own``, even if the two do not overlap."""
    if cidrs.overlap(block, _NEVER_ADDED):
        return True
    if cidrs.contains("10.0.0.0/15", own) and cidrs.contains("10.0.0.0/16", block):
        return True
    families = [_family(block), _family(own)]
    return None not in families and families[0] != families[1]


def _family(block: str) -> str | None:
    return next((family for family in _FAMILIES if cidrs.overlap(family, block)), None)


def _routes(session: Session, vpc_id: str) -> list[Route]:
    statement = (
        select(Route)
        .join(RouteTable, RouteTable.route_table_id == Route.route_table_id)
        .where(RouteTable.vpc_id == vpc_id, Route.destination.not_like("pl-%"))
    )
    return list(session.scalars(statement))
