"""Pages of KMS's List operations: ``Limit``, ``Marker`` and ``NextMarker``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from reading_room.kms.errors import InvalidMarkerException

Item = TypeVar("Item")


def page(
    member: str, found: Sequence[Item], request: Mapping[str, Any], id_of: Callable[[Item], str], most: int
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Return a page of items that are sorted by id, and the members of the answer that describe the page.

    ``most`` is the size of a page without ``Limit``. Raises ``InvalidMarkerException``.
    """
    if (marker := request.get("Marker")) is not None:
        after = _opened(member, marker)
        found = [item for item in found if id_of(item) > after]
    size = request.get("Limit") or most
    shown = found[:size]
    if len(found) <= size:
        return shown, {"Truncated": False}
    text = f"{member}\0{id_of(shown[-1])}".encode()
    return shown, {"Truncated": True, "NextMarker": base64.urlsafe_b64encode(text).decode()}


def _opened(member: str, marker: str) -> str:
    try:
        kind, _, after = base64.urlsafe_b64decode(marker.encode()).decode().partition("\0")
    except (binascii.Error, UnicodeError):
        raise InvalidMarkerException from None
    if kind != member:
        raise InvalidMarkerException
    return after
