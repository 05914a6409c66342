"""Pages of IAM's lists: ``MaxItems``, ``Marker``, ``IsTruncated``."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reading_room.iam.errors import ValidationError

Item = TypeVar("Item")
DEFAULT_MAX_ITEMS = 100


def page(
    items: Sequence[Item], request: Mapping[str, Any], name_of: Callable[[Item], str]
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return the items on the requested page, and the response members that say whether more follow.

    ``items`` are sorted by ``name_of``. A marker is the name of the last item returned, so items that are created or
    deleted between two pages neither repeat nor hide others. Raises ``ValidationError`` for an invalid marker.
    """
    after = _name_in(request.get("Marker"))
    rest = [item for item in items if after is None or name_of(item) > after]
    size = request.get("MaxItems") or DEFAULT_MAX_ITEMS
    if len(rest) <= size:
        return rest, {"IsTruncated": False}
    last = name_of(rest[size - 1])
    return rest[:size], {"IsTruncated": True, "Marker": base64.b64encode(last.encode()).decode()}


def _name_in(marker: str | None) -> str | None:
    if marker is None:
        return None
    try:
        return base64.b64decode(marker, validate=True).decode()
    except ValueError:
        raise ValidationError("Invalid Marker.") from None
