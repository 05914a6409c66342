r"""The ``Filters`` of every Describe call.

Filters apply to the response that the caller would see: ``FilterNames`` maps each filter's name to the path of the
member that it compares (``CidrBlockAssociationSet.CidrBlock``; a list on the path stands for all its items). Filters
are ANDed, the values of one are ORed. ``*`` and ``?`` are wildcards, ``\`` escapes them, and case matters. Operations
with the filter ``tag-key`` also have ``tag-value`` and ``tag:KEY``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from reading_room.vpc.errors import TooManyFilters, UnknownFilter

FilterNames = Mapping[str, str]
View = Mapping[str, Any]

MAX_FILTERS = 50
MAX_VALUES = 200
_STAR, _ANY = object(), object()


def matching(
    views: Sequence[dict[str, Any]], filters: Sequence[Mapping[str, Any]], names: FilterNames, tags: str = "Tags"
) -> list[dict[str, Any]]:
    """Return the views that match all filters, in order.

    ``filters`` are ``{"Name": …, "Values": […]}``; ``tags`` is the member that holds a view's tags. Raises
    ``UnknownFilter`` for a name that is neither in ``names`` nor a tag filter, ``TooManyFilters`` beyond EC2's bounds.
    """
    check(filters, names)
    return [view for view in views if all(_passes(view, entry, names, tags) for entry in filters)]


def check(filters: Sequence[Mapping[str, Any]], names: FilterNames) -> None:
    """Raise ``UnknownFilter`` or ``TooManyFilters`` if the operation does not accept the filters."""
    if len(filters) > MAX_FILTERS:
        raise TooManyFilters("filters", MAX_FILTERS)
    for entry in filters:
        name = str(entry.get("Name", ""))
        if len(entry.get("Values", ())) > MAX_VALUES:
            raise TooManyFilters(f"values of the filter '{name}'", MAX_VALUES)
        if name not in names and not (_has_tags(names) and _is_tag_filter(name)):
            raise UnknownFilter(name)


def matches(pattern: str, value: str) -> bool:
    r"""Return whether a value matches a filter's pattern with ``*``, ``?`` and ``\``.

    The time is bounded by the product of both lengths, because matching backtracks only to the last ``*``. A regular
    expression would try every division of the text between all the ``*``.
    """
    tokens = _tokens(pattern)
    at = place = 0
    star, resume = -1, 0
    while place < len(value):
        token = tokens[at] if at < len(tokens) else None
        if token is _STAR:
            star, resume = at, place
            at += 1
        elif token is _ANY or (token is not None and token == value[place]):
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = star + 1, resume
        else:
            return False
    return all(token is _STAR for token in tokens[at:])


def _has_tags(names: FilterNames) -> bool:
    return "tag-key" in names


def _is_tag_filter(name: str) -> bool:
    return name == "tag-value" or (name.startswith("tag:") and len(name) > 4)


def _passes(view: View, entry: Mapping[str, Any], names: FilterNames, tags: str) -> bool:
    name = str(entry.get("Name", ""))
    patterns = entry.get("Values", ())
    if name == "tag-key":
        values = [tag["Key"] for tag in view.get(tags, ())]
    elif name == "tag-value" and name not in names:
        values = [tag["Value"] for tag in view.get(tags, ())]
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
def _tokens(pattern: str) -> tuple[object, ...]:
    tokens: list[object] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            tokens.append(next(characters, "\\"))
        else:
            tokens.append({"*": _STAR, "?": _ANY}.get(character, character))
    return tuple(tokens)
