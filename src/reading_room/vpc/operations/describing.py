"""The one way in which every Describe operation filters and pages what it shows."""

from __future__ import annotations

from typing import Any

from reading_room.vpc import filters, pagination
from reading_room.vpc.operations.binding import Request, Response


def shown(
    views: list[dict[str, Any]],
    request: Request,
    member: str,
    names: filters.FilterNames,
    paging: pagination.Paging,
    *,
    parameter: str = "Filters",
    tags: str = "Tags",
) -> Response:
    """Return a Describe operation's answer: the page of the views that pass the request's filters, in ``member``."""
    passing = filters.matching(views, request.get(parameter) or (), names, tags)
    page, token = pagination.page(passing, request, paging)
    return {member: page, **token}
