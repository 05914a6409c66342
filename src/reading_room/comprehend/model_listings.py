"""Lists of custom models: one filter criterion, stable order, pages that never overlap."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from reading_room.comprehend.errors import InvalidFilterException, InvalidNextToken
from reading_room.comprehend.models import Model, ModelKind, every

DEFAULT_PAGE = 100

Item = TypeVar("Item")
Place = tuple[dt.datetime, str]
"""Where an item stands in a list: its time, and a name that tells it from others of that time."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the token for the rest; ``None`` on the last page."""

    items: Sequence[Item]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The versions of one name."""

    name: str
    versions: int
    latest: Model


def list_models(
    session: Session, account: str, kind: ModelKind, criteria: Mapping[str, Any], token: str | None, limit: int | None
) -> Page[Model]:
    """Return a page of the account's models of a type, every version by itself.

    Oldest first, except with the time filter whose documentation says newest first; both bounds are exclusive. Raises
    ``InvalidFilterException`` for two criteria, ``InvalidNextToken`` for a token of another list.
    """
    if len(criteria) > 1:
        raise InvalidFilterException(sorted(criteria))
    fits = [_criterion(kind, name, value) for name, value in criteria.items()]
    found = [model for model in every(session, account, kind) if all(each(model) for each in fits)]
    binding = _binding(account, kind.list, criteria)
    return _page(
        found,
        lambda model: (model.row.submitted_at, model.row.arn),
        kind.newest_first_with in criteria,
        binding,
        token,
        limit,
    )


def list_summaries(
    session: Session, account: str, kind: ModelKind, token: str | None, limit: int | None
) -> Page[Summary]:
    """Return a page of the names of an account's models, the one with the newest version first.

    Raises ``InvalidNextToken``.
    """
    by_name: dict[str, list[Model]] = {}
    for model in every(session, account, kind):
        by_name.setdefault(model.row.name, []).append(model)
    summaries = [Summary(name, len(models), models[-1]) for name, models in by_name.items()]
    binding = _binding(account, kind.summaries, {})
    return _page(summaries, lambda each: (each.latest.row.submitted_at, each.name), True, binding, token, limit)


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
    binding: str,
    token: str | None,
    limit: int | None,
) -> Page[Item]:
    ordered = sorted(items, key=place, reverse=newest_first)
    if token is not None:
        after = _read_token(token, binding)
        ordered = [item for item in ordered if (place(item) < after if newest_first else place(item) > after)]
    size = limit or DEFAULT_PAGE
    more = len(ordered) > size
    return Page(ordered[:size], _write_token(place(ordered[size - 1]), binding) if more else None)


def _binding(account: str, operation: str, criteria: Mapping[str, Any]) -> str:
    text = json.dumps([account, operation, dict(criteria)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _write_token(place: Place, binding: str) -> str:
    text = json.dumps([binding, place[0].isoformat(), place[1]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str, binding: str) -> Place:
    try:
        found, at, name = json.loads(base64.urlsafe_b64decode(token.encode()))
        moment = dt.datetime.fromisoformat(at)
    except (binascii.Error, ValueError, TypeError):
        raise InvalidNextToken from None
    if found != binding or not isinstance(name, str) or moment.tzinfo is None:
        raise InvalidNextToken
    return moment, name
