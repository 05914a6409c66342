r"""The ``Filters`` of every Describe call.

A filter looks at the answer that the caller would see: ``FilterNames`` maps each filter's name to the path of the
member that it compares (``CidrBlockAssociationSet.CidrBlock``; lists on the way stand for all their items). Filters
are ANDed, the values of one ORed; ``*`` and ``?`` are wildcards, ``\`` escapes them; case matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from reading_room.vpc.errors import TooManyFilters, UnknownFilter

FilterNames = Mapping[str, str]
View = Mapping[str, Any]

MAX_FILTERS = 50
MAX_VALUES = 200


def matching(
    views: Sequence[dict[str, Any]], filters: Sequence[Mapping[str, Any]], names: FilterNames, tags: str = "Tags"
) -> list[dict[str, Any]]:
    """Return the views that pass all filters, in order.

    ``filters`` are ``{"Name": …, "Values": […]}``; ``tags`` is the member that holds a view's tags. Raises
    ``UnknownFilter`` for a name that is not in ``names`` and no tag filter, ``TooManyFilters`` beyond EC2's bounds.
    """
    check(filters, names)
    return [view for view in views if all(_passes(view, entry, names, tags) for entry in filters)]


def check(filters: Sequence[Mapping[str, Any]], names: FilterNames) -> None:
    """Raise for a filter that the operation does not have, or for too many of them."""
    if len(filters) > MAX_FILTERS:
        raise TooManyFilters("filters", MAX_FILTERS)
    for entry in filters:
        name = str(entry.get("Name", ""))
        if len(entry.get("Values", ())) > MAX_VALUES:
            raise TooManyFilters(f"values of the filter '{name}'", MAX_VALUES)
        if name not in names and not (_has_tags(names) and _is_tag_filter(name)):
            raise UnknownFilter(name)


def matches(pattern: str, value: str) -> bool:
    r"""Say whether a value matches a filter's pattern with ``*``, ``?`` and ``\``."""
    return _compiled(pattern).fullmatch(value) is not None


def _has_tags(names: FilterNames) -> bool:
    return "tag-key" in names


def _is_tag_filter(name: str) -> bool:
    return name.startswith("tag:") and len(name) > 4


def _passes(view: View, entry: Mapping[str, Any], names: FilterNames, tags: str) -> bool:
    name = str(entry.get("Name", ""))
    patterns = entry.get("Values", ())
    if name == "tag-key":
        values = [tag["Key"] for tag in view.get(tags, ())]
    elif _is_tag_filter(name) and name not in names:
        values = [tag["Value"] for tag in view.get(tags, ()) if tag["Key"] == name[4:]]
    else:
        values = list(_values(view, names[name].split(".")))
    return any(matches(pattern, value) for pattern in patterns for value in values)


def _values(node: Any, path: Sequence[str]) -> Iterator[str]:
    if isinstance(node, list | tuple):
        for item in node:
            yield from _values(item, path)
    elif path:
        if isinstance(node, Mapping) and path[0] in node:
            yield from _values(node[path[0]], path[1:])
    elif isinstance(node, bool):
        yield "true" if node else "false"
    elif node is not None:
        yield str(node)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL)
