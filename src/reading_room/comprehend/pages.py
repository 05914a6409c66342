"""Pages of lists. A token names the last item shown and the list that it belongs to."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reading_room.comprehend.errors import InvalidFilterException, InvalidNextToken

DEFAULT_PAGE = 100

Item = TypeVar("Item")
Place = tuple[dt.datetime, str]
"""The position of an item in a list: its time, and a name that is unique among the items of that time."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """The items of a page, and the token for the next page, ``None`` on the last one."""

    items: Sequence[Item]
    next_token: str | None


def one_criterion(criteria: Mapping[str, Any]) -> None:
    """Raise ``InvalidFilterException`` for a filter with several criteria."""
    if len(criteria) > 1:
        raise InvalidFilterException(sorted(criteria))


def binding(account: str, operation: str, criteria: Mapping[str, Any]) -> str:
    """Return a text that identifies the list of a token: its account, operation and filter."""
    text = json.dumps([account, operation, dict(criteria)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def write_token(place: Place, bound: str) -> str:
    """Return the token for the items after a place in the list."""
    text = json.dumps([bound, place[0].isoformat(), place[1]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(token: str, bound: str) -> Place:
    """Return the place after which the page starts. Raises ``InvalidNextToken`` for a token of another list."""
    try:
        found, at, name = json.loads(base64.urlsafe_b64decode(token.encode()))
        moment = dt.datetime.fromisoformat(at)
        if found != bound or moment.tzinfo is None:
            raise InvalidNextToken
        # Reject what no database query accepts: times out of range, and lone surrogates.
        return moment.astimezone(dt.UTC), str(name.encode(), "utf-8")
    except (binascii.Error, AttributeError, OverflowError, RecursionError, TypeError, ValueError):
        raise InvalidNextToken from None
