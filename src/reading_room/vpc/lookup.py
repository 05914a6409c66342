"""Finding the rows that a call names, within the caller's account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from reading_room.database import rows
from reading_room.database.base import Base
from reading_room.vpc.errors import MissingParameter, NoDefaultVpc
from reading_room.vpc.identifiers import SECURITY_GROUP, Kind
from reading_room.vpc.not_found import SecurityGroupNotFound
from reading_room.vpc.tables import SecurityGroup, Vpc, VpcCidr

Row = TypeVar("Row", bound=Base)

_CHUNK = 500
"""The most ids per query; SQLite limits the number of parameters of a statement."""


def one(session: Session, kind: Kind, account: str, identifier: str) -> Any:
    """Return the row with this id.

    Raises ``MalformedId``, or the not-found error of the kind if the account has no such resource.
    """
    kind.check(identifier)
    row = rows.get(session, kind.table, identifier)
    if row is None or row.account != account:
        raise kind.missing(identifier)
    return row


def some(session: Session, kind: Kind, account: str, identifiers: Sequence[str]) -> list[Any]:
    """Return the rows of several ids, sorted, without duplicates. Raises as ``one`` does, for the first bad id."""
    for identifier in identifiers:
        kind.check(identifier)
    wanted = sorted(set(identifiers))
    column = getattr(kind.table, kind.key)
    found: list[Any] = []
    for start in range(0, len(wanted), _CHUNK):
        statement = select(kind.table).where(column.in_(wanted[start : start + _CHUNK]), kind.table.account == account)
        found.extend(session.scalars(statement.order_by(column)))
    known = {getattr(row, kind.key) for row in found}
    for identifier in identifiers:
        if identifier not in known:
            raise kind.missing(identifier)
    return found


def described(session: Session, kind: Kind, account: str, identifiers: Sequence[str]) -> list[Any]:
    """Return the rows for a Describe call: the named ones, or all of the account if none is named."""
    if identifiers:
        return some(session, kind, account, identifiers)
    return list(session.scalars(_of_account(kind), {"account": account}))


def grouped(
    session: Session, row_type: type[Row], attribute: str, values: Sequence[str], *order: str
) -> dict[str, list[Row]]:
    """Return the rows of ``row_type`` grouped by one attribute, for the given values, in few queries."""
    statement = _by_attribute(row_type, attribute, order)
    result: dict[str, list[Row]] = {value: [] for value in values}
    wanted = sorted(result)
    for start in range(0, len(wanted), _CHUNK):
        for row in session.scalars(statement, {"values": wanted[start : start + _CHUNK]}):
            result[getattr(row, attribute)].append(row)
    return result


def default_vpc(session: Session, account: str) -> Vpc | None:
    """Return the account's default VPC, if it has one."""
    return session.scalar(select(Vpc).where(Vpc.account == account, Vpc.is_default.is_(True)))


def vpc_cidrs(session: Session, vpc_id: str) -> list[str]:
    """Return a VPC's blocks, the primary one first."""
    statement = select(VpcCidr.cidr).where(VpcCidr.vpc_id == vpc_id)
    return list(session.scalars(statement.order_by(VpcCidr.primary.desc(), VpcCidr.cidr)))


def vpc_cidr_rows(session: Session, vpc_ids: Sequence[str]) -> Mapping[str, list[VpcCidr]]:
    """Return the block rows of several VPCs, the primary ones first."""
    rows = grouped(session, VpcCidr, "vpc_id", vpc_ids, "cidr")
    return {vpc_id: sorted(blocks, key=lambda row: (not row.primary, row.cidr)) for vpc_id, blocks in rows.items()}


def security_group(session: Session, account: str, group_id: str | None, name: str | None) -> SecurityGroup:
    """Return the group that a call names by id, or by its name in the default VPC.

    Raises ``MissingParameter``, ``NoDefaultVpc`` or ``SecurityGroupNotFound``.
    """
    if group_id:
        group: SecurityGroup = one(session, SECURITY_GROUP, account, group_id)
        return group
    if not name:
        raise MissingParameter("GroupId")
    vpc = default_vpc(session, account)
    if vpc is None:
        raise NoDefaultVpc
    found = session.scalar(select(SecurityGroup).where(SecurityGroup.vpc_id == vpc.vpc_id, SecurityGroup.name == name))
    if found is None:
        raise SecurityGroupNotFound(name)
    return found


@cache
def _of_account(kind: Kind) -> Select[Any]:
    column = getattr(kind.table, kind.key)
    return select(kind.table).where(kind.table.account == bindparam("account")).order_by(column)


@cache
def _by_attribute(row_type: type[Row], attribute: str, order: tuple[str, ...]) -> Select[Row]:
    matching = getattr(row_type, attribute).in_(bindparam("values", expanding=True))
    return select(row_type).where(matching).order_by(*(getattr(row_type, name) for name in order))
