"""Lists of model endpoints, with one filter criterion, oldest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reading_room.comprehend.endpoints.errors import InvalidEndpointFilter
from reading_room.comprehend.pages import DEFAULT_PAGE, Page, binding, read_token, write_token
from reading_room.comprehend.tables import EndpointRow


def list_endpoints(
    session: Session, account: str, criteria: Mapping[str, Any], token: str | None, limit: int | None
) -> Page[EndpointRow]:
    """Return a page of the account's endpoints. Both time bounds are exclusive.

    Raises ``InvalidEndpointFilter`` for two criteria, and ``InvalidNextToken`` for a token of another list.
    """
    if len(criteria) > 1:
        raise InvalidEndpointFilter(sorted(criteria))
    bound = binding(account, "ListEndpoints", criteria)
    size = limit or DEFAULT_PAGE
    query = select(EndpointRow).where(EndpointRow.account == account)
    for name, value in criteria.items():
        query = query.where(_criterion(name, value))
    if token is not None:
        at, arn = read_token(token, bound)
        same = (EndpointRow.created_at == at) & (EndpointRow.arn > arn)
        query = query.where((EndpointRow.created_at > at) | same)
    rows = session.scalars(query.order_by(EndpointRow.created_at, EndpointRow.arn).limit(size + 1)).all()
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], None if last is None else write_token((last.created_at, last.arn), bound))


def _criterion(name: str, value: Any) -> ColumnElement[bool]:
    match name, value:
        case "ModelArn", str():
            return func.coalesce(EndpointRow.model_arn, EndpointRow.desired_model_arn) == value
        case "Status", str():
            return EndpointRow.status == value
        case "CreationTimeBefore", dt.datetime():
            return EndpointRow.created_at < value
        case "CreationTimeAfter", dt.datetime():
            return EndpointRow.created_at > value
        case _:
            raise InvalidEndpointFilter([name])
