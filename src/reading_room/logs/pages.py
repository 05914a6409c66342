"""Pagination for the Describe operations of CloudWatch Logs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reading_room.logs.errors import InvalidToken

Item = TypeVar("Item")
DESCRIBED = 50
"""The most groups, streams or tasks on a page."""


def page(
    found: Sequence[Item], request: Mapping[str, Any], name_of: Callable[[Item], str]
) -> tuple[Sequence[Item], dict[str, str]]:
    """Return the items after the one that the token names, and the token of the next page. Raises ``InvalidToken``."""
    start = 0
    if (token := request.get("nextToken")) is not None:
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()
        except (binascii.Error, UnicodeError):
            raise InvalidToken from None
        places = [number for number, item in enumerate(found, start=1) if name_of(item) == last]
        if not places:
            raise InvalidToken
        start = places[0]
    end = start + (request.get("limit") or DESCRIBED)
    shown = found[start:end]
    if end >= len(found):
        return shown, {}
    return shown, {"nextToken": base64.urlsafe_b64encode(name_of(shown[-1]).encode()).decode()}
