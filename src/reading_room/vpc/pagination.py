"""``MaxResults`` and ``NextToken`` of every Describe call.

Results are sorted by their keys. A token holds the operation and the last key that was shown, so creating or deleting a
resource between two pages neither repeats nor hides another one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reading_room.vpc.errors import IdsWithMaxResults, InvalidNextToken, MaxResultsOutOfRange


@dataclass(frozen=True, slots=True)
class Paging:
    """How one operation pages: the member that is the key, the bounds of ``MaxResults``, and the parameter with ids.

    If a call gives ``ids``, it must not give ``MaxResults``.
    """

    operation: str
    key: str
    least: int = 5
    most: int = 1000
    ids: str | None = None


def page(
    views: Sequence[dict[str, Any]], request: Mapping[str, Any], paging: Paging
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the page that a request asks for, and ``{"NextToken": …}`` unless it is the last.

    Raises ``MaxResultsOutOfRange``, ``InvalidNextToken`` and ``IdsWithMaxResults``.
    """
    size = request.get("MaxResults")
    token = request.get("NextToken")
    if size is not None and paging.ids and request.get(paging.ids):
        raise IdsWithMaxResults(paging.ids)
    if size is not None and not paging.least <= size <= paging.most:
        raise MaxResultsOutOfRange(size, paging.least, paging.most)
    ordered = sorted(views, key=lambda view: str(view[paging.key]))
    if token:
        after = _after(paging.operation, token)
        ordered = [view for view in ordered if str(view[paging.key]) > after]
    if size is None or len(ordered) <= size:
        return ordered, {}
    shown = ordered[:size]
    return shown, {"NextToken": _token(paging.operation, str(shown[-1][paging.key]))}


def _token(operation: str, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([operation, key]).encode()).decode()


def _after(operation: str, token: str) -> str:
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, RecursionError, binascii.Error):
        raise InvalidNextToken from None
    if not isinstance(content, list) or len(content) != 2 or content[0] != operation:
        raise InvalidNextToken
    return str(content[1])
