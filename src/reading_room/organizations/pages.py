"""Pagination: a page of at most ``MaxResults`` items, and the token of the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reading_room.organizations.errors import InvalidInput

Item = TypeVar("Item")
MOST = 20
"""The most items on a page, unless the model allows more."""


def page(
    found: Sequence[Item], request: Mapping[str, Any], id_of: Callable[[Item], str], most: int = MOST
) -> tuple[Sequence[Item], dict[str, str]]:
    """Return the items after the one that the token names, and the token of the next page. Raises ``InvalidInput``."""
    start = 0
    if (token := request.get("NextToken")) is not None:
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()
        except (binascii.Error, ValueError):
            raise _invalid() from None
        places = [number for number, item in enumerate(found, start=1) if id_of(item) == last]
        if not places:
            raise _invalid()
        start = places[0]
    end = start + min(request.get("MaxResults") or most, most)
    shown = found[start:end]
    if end >= len(found):
        return shown, {}
    return shown, {"NextToken": base64.urlsafe_b64encode(id_of(shown[-1]).encode()).decode()}


def _invalid() -> InvalidInput:
    return InvalidInput("INVALID_NEXT_TOKEN", "The specified NextToken is invalid.")
