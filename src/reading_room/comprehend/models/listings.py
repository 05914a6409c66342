"""Lists of custom models, with one filter criterion, a stable order, and pages that never overlap."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from reading_room.comprehend.errors import InvalidFilterException
from reading_room.comprehend.models.models import Model, ModelKind, every
from reading_room.comprehend.pages import (
    DEFAULT_PAGE,
    Item,
    Page,
    Place,
    binding,
    one_criterion,
    read_token,
    write_token,
)


@dataclass(frozen=True, slots=True)
class Summary:
    """All versions of a model with one name."""

    name: str
    versions: int
    latest: Model


def list_models(
    session: Session, account: str, kind: ModelKind, criteria: Mapping[str, Any], token: str | None, limit: int | None
) -> Page[Model]:
    """Return a page of the account's models of a type, each version separately.

    The order is oldest first, except with the time filter whose documentation says newest first. Both time bounds are
    exclusive. Raises ``InvalidFilterException`` for two criteria, and ``InvalidNextToken`` for a token of another list.
    """
    one_criterion(criteria)
    fits = [_criterion(kind, name, value) for name, value in criteria.items()]
    found = [model for model in every(session, account, kind) if all(each(model) for each in fits)]
    bound = binding(account, kind.list, criteria)
    return _page(
        found,
        lambda model: (model.row.submitted_at, model.row.arn),
        kind.newest_first_with in criteria,
        bound,
        token,
        limit,
    )


def list_summaries(
    session: Session, account: str, kind: ModelKind, token: str | None, limit: int | None
) -> Page[Summary]:
    """Return a page of the names of an account's models, starting with the name of the newest version.

    Raises ``InvalidNextToken``.
    """
    by_name: dict[str, list[Model]] = {}
    for model in every(session, account, kind):
        by_name.setdefault(model.row.name, []).append(model)
    summaries = [Summary(name, len(models), models[-1]) for name, models in by_name.items()]
    bound = binding(account, kind.summaries, {})
    return _page(summaries, lambda each: (each.latest.row.submitted_at, each.name), True, bound, token, limit)


def _criterion(kind: ModelKind, name: str, value: Any) -> Callable[[Model], bool]:
    if name == kind.name_member:
        return lambda model: model.row.name == value
    match name, value:
        case "Status", str():
            return lambda model: model.status == value
        case "SubmitTimeBefore", dt.datetime():
            return lambda model: model.row.submitted_at < value
        case "SubmitTimeAfter", dt.datetime():
            return lambda model: model.row.submitted_at > value
        case _:
            raise InvalidFilterException([name])


def _page(
    items: Sequence[Item],
    place: Callable[[Item], Place],
    newest_first: bool,
    bound: str,
    token: str | None,
    limit: int | None,
) -> Page[Item]:
    ordered = sorted(items, key=place, reverse=newest_first)
    if token is not None:
        after = read_token(token, bound)
        ordered = [item for item in ordered if (place(item) < after if newest_first else place(item) > after)]
    size = limit or DEFAULT_PAGE
    more = len(ordered) > size
    return Page(ordered[:size], write_token(place(ordered[size - 1]), bound) if more else None)
