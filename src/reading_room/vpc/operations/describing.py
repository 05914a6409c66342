"""Filtering and paging, the same for every Describe operation."""

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
    """Return the response of a Describe operation: in ``member``, the page of the views that match the filters."""
    passing = filters.matching(views, request.get(parameter) or (), names, tags)
    page, token = pagination.page(passing, request, paging)
    return {member: page, **token}
