"""Route tables and their associations. The routes themselves are in ``routes.py``."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import DependencyViolation
from reading_room.vpc.identifiers import ROUTE_TABLE, SUBNET
from reading_room.vpc.not_found import AssociationNotFound, MalformedId
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.routing.errors import AlreadyAssociated, MainAssociation, SubnetOfAnotherNetwork
from reading_room.vpc.tables import Route, RouteTable, RouteTableAssociation, Subnet, Vpc

MAX_NUMBER = 10_000


def create(session: Session, vpc: Vpc, now: dt.datetime, *, quotas: Quotas = Quotas()) -> RouteTable:
    """Create an empty route table. Raises ``LimitExceeded``."""
    numbers = set(session.scalars(select(RouteTable.number).where(RouteTable.vpc_id == vpc.vpc_id)))
    require_room(len(numbers), quotas.route_tables_per_vpc, "RouteTableLimitExceeded", "route tables of the VPC")
    route_table = RouteTable(
        route_table_id=resource_id("rtb"),
        account=vpc.account,
        vpc_id=vpc.vpc_id,
        number=next_number(numbers, MAX_NUMBER),
        created_at=now,
    )
    session.add(route_table)
    session.flush()
    return route_table


def next_number(used: set[int], most: int) -> int:
    """Return an unused number from 1 to ``most``: the highest plus one while that is possible.

    The number of something just deleted is not reused at once, so that the new thing is not mistaken for the old one.
    """
    highest = max(used, default=0)
    if highest < most:
        return highest + 1
    return next(number for number in range(1, most + 1) if number not in used)


def delete_route_table(session: Session, account: str, route_table_id: str) -> None:
    """Delete a route table. Raises ``DependencyViolation`` if it is the main one or associated with a subnet."""
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, route_table_id)
    associations = session.scalar(
        select(func.count())
        .select_from(RouteTableAssociation)
        .where(RouteTableAssociation.route_table_id == route_table_id)
    )
    if associations:
        raise DependencyViolation("routeTable", route_table_id)
    remove(session, route_table)


def remove(session: Session, route_table: RouteTable) -> None:
    """Delete a table with its routes and tags, even if it is associated."""
    session.execute(delete(Route).where(Route.route_table_id == route_table.route_table_id))
    tags.forget(session, route_table.route_table_id)
    session.delete(route_table)
    session.flush()


def associate(session: Session, account: str, route_table_id: str, subnet_id: str) -> RouteTableAssociation:
    """Associate a table with a subnet. If they already are, return that association.

    Raises ``SubnetOfAnotherNetwork``, and ``AlreadyAssociated`` if the subnet is associated with another table.
    """
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, route_table_id)
    subnet: Subnet = lookup.one(session, SUBNET, account, subnet_id)
    if subnet.vpc_id != route_table.vpc_id:
        raise SubnetOfAnotherNetwork(route_table_id, subnet_id)
    existing = session.scalar(select(RouteTableAssociation).where(RouteTableAssociation.subnet_id == subnet_id))
    if existing is not None:
        if existing.route_table_id == route_table_id:
            return existing
        raise AlreadyAssociated(route_table_id)
    association = RouteTableAssociation(
        association_id=resource_id("rtbassoc"),
        vpc_id=route_table.vpc_id,
        route_table_id=route_table_id,
        subnet_id=subnet_id,
    )
    session.add(association)
    session.flush()
    return association


def replace(session: Session, account: str, association_id: str, route_table_id: str) -> RouteTableAssociation:
    """Replace the table of an association, which gets a new id. For the main association, change the main table."""
    old = association(session, account, association_id)
    route_table: RouteTable = lookup.one(session, ROUTE_TABLE, account, route_table_id)
    if route_table.vpc_id != old.vpc_id:
        raise SubnetOfAnotherNetwork(route_table_id, old.subnet_id or old.vpc_id)
    subnet_id, vpc_id = old.subnet_id, old.vpc_id
    session.delete(old)
    session.flush()
    new = RouteTableAssociation(
        association_id=resource_id("rtbassoc"), vpc_id=vpc_id, route_table_id=route_table_id, subnet_id=subnet_id
    )
    session.add(new)
    session.flush()
    return new


def disassociate(session: Session, account: str, association_id: str) -> None:
    """Remove an association; the subnet uses the main table again. Raises ``MainAssociation`` for the main one."""
    row = association(session, account, association_id)
    if row.subnet_id is None:
        raise MainAssociation(association_id)
    session.delete(row)
    session.flush()


def main_of(session: Session, vpc_id: str) -> str:
    """Return the id of a VPC's main table."""
    return session.scalars(
        select(RouteTableAssociation.route_table_id).where(
            RouteTableAssociation.vpc_id == vpc_id, RouteTableAssociation.subnet_id.is_(None)
        )
    ).one()


def association(session: Session, account: str, association_id: str) -> RouteTableAssociation:
    """Return an association of the account. Raises ``AssociationNotFound`` or ``MalformedId``."""
    if not association_id.startswith("rtbassoc-"):
        raise MalformedId("InvalidAssociationID.Malformed", association_id, "rtbassoc")
    row = session.get(RouteTableAssociation, association_id)
    if row is None or session.get_one(Vpc, row.vpc_id).account != account:
        raise AssociationNotFound(association_id)
    return row
