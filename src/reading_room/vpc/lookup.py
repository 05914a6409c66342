"""Finding the rows that a call names, within the caller's account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.vpc.identifiers import Kind

Row = TypeVar("Row")

_CHUNK = 500
"""Ids per query; SQLite bounds the number of parameters of a statement."""


def one(session: Session, kind: Kind, account: str, identifier: str) -> Any:
    """Return the row of an id.

    Raises the kind's malformed error, or its not-found error when the account has no such resource.
    """
    kind.check(identifier)
    row = session.get(kind.table, identifier)
    if row is None or row.account != account:
        raise kind.missing(identifier)
    return row


def some(session: Session, kind: Kind, account: str, identifiers: Sequence[str]) -> list[Any]:
    """Return the rows of several ids, sorted by id, each once. Raises as ``one`` does, for the first bad id."""
    for identifier in identifiers:
        kind.check(identifier)
    wanted = sorted(set(identifiers))
    column = getattr(kind.table, kind.key)
    rows: list[Any] = []
    for start in range(0, len(wanted), _CHUNK):
        statement = select(kind.table).where(column.in_(wanted[start : start + _CHUNK]), kind.table.account == account)
        rows.extend(session.scalars(statement.order_by(column)))
    found = {getattr(row, kind.key) for row in rows}
    for identifier in identifiers:
        if identifier not in found:
            raise kind.missing(identifier)
    return rows


def described(session: Session, kind: Kind, account: str, identifiers: Sequence[str]) -> list[Any]:
    """Return what a Describe call is about: the named rows, or all of the account when none is named."""
    if identifiers:
        return some(session, kind, account, identifiers)
    column = getattr(kind.table, kind.key)
    return list(session.scalars(select(kind.table).where(kind.table.account == account).order_by(column)))


def grouped(
    session: Session, row_type: type[Row], attribute: str, values: Sequence[str], *order: str
) -> dict[str, list[Row]]:
    """Return the rows of ``row_type`` by the value of one attribute, for the given values, in few queries."""
    column = getattr(row_type, attribute)
    result: dict[str, list[Row]] = {value: [] for value in values}
    wanted = sorted(result)
    for start in range(0, len(wanted), _CHUNK):
        statement = select(row_type).where(column.in_(wanted[start : start + _CHUNK]))
        for row in session.scalars(statement.order_by(*(getattr(row_type, name) for name in order))):
            result[getattr(row, attribute)].append(row)
    return result
