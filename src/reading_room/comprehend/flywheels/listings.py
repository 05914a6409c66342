"""Lists of flywheels, datasets and iterations, with one filter criterion, newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from reading_room.comprehend.errors import InvalidFilterException
from reading_room.comprehend.pages import DEFAULT_PAGE, Page, binding, one_criterion, read_token, write_token
from reading_room.comprehend.tables import DatasetRow, FlywheelRow, IterationRow

Row = TypeVar("Row", FlywheelRow, DatasetRow, IterationRow)


def list_flywheels(
    session: Session, account: str, criteria: Mapping[str, Any], token: str | None, limit: int | None
) -> Page[FlywheelRow]:
    """Return a page of the account's flywheels. Both time bounds are exclusive.

    Raises ``InvalidFilterException`` for two criteria, and ``InvalidNextToken`` for a token of another list.
    """
    own = FlywheelRow.account == account
    bound = binding(account, "ListFlywheels", criteria)
    return _list(session, FlywheelRow, FlywheelRow.arn, own, criteria, bound, token, limit)


def list_datasets(
    session: Session,
    account: str,
    flywheel: str | None,
    criteria: Mapping[str, Any],
    token: str | None,
    limit: int | None,
) -> Page[DatasetRow]:
    """Return a page of the account's datasets, or of those of one flywheel, as ``list_flywheels`` does."""
    own = DatasetRow.account == account
    if flywheel is not None:
        own = own & (DatasetRow.flywheel_arn == flywheel)
    bound = binding(account, f"ListDatasets {flywheel}", criteria)
    return _list(session, DatasetRow, DatasetRow.arn, own, criteria, bound, token, limit)


def list_iterations(
    session: Session, account: str, flywheel: str, criteria: Mapping[str, Any], token: str | None, limit: int | None
) -> Page[IterationRow]:
    """Return a page of the iterations of a flywheel, as ``list_flywheels`` does."""
    own = (IterationRow.account == account) & (IterationRow.flywheel_arn == flywheel)
    bound = binding(account, f"ListFlywheelIterationHistory {flywheel}", criteria)
    return _list(session, IterationRow, IterationRow.iteration_id, own, criteria, bound, token, limit)


def _list(
    session: Session,
    table: type[Row],
    name: InstrumentedAttribute[str],
    own: ColumnElement[bool],
    criteria: Mapping[str, Any],
    bound: str,
    token: str | None,
    limit: int | None,
) -> Page[Row]:
    one_criterion(criteria)
    size = limit or DEFAULT_PAGE
    query = select(table).where(own)
    for member, value in criteria.items():
        query = query.where(_criterion(table, member, value))
    if token is not None:
        at, last = read_token(token, bound)
        query = query.where((table.created_at < at) | ((table.created_at == at) & (name < last)))
    rows = session.scalars(query.order_by(table.created_at.desc(), name.desc()).limit(size + 1)).all()
    if len(rows) <= size:
        return Page(rows, None)
    after = rows[size - 1]
    return Page(rows[:size], write_token((after.created_at, str(getattr(after, name.key))), bound))


def _criterion(table: type[Row], name: str, value: Any) -> ColumnElement[bool]:
    match name, value:
        case "Status", str():
            return table.status == value
        case "DatasetType", str():
            return DatasetRow.type == value
        case "CreationTimeBefore", dt.datetime():
            return table.created_at < value
        case "CreationTimeAfter", dt.datetime():
            return table.created_at > value
        case _:
            raise InvalidFilterException([name])
