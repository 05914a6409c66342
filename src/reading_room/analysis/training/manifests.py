"""Augmented manifests: one JSON object per line, with the text, and labels under an attribute's name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from reading_room.analysis.training.places import Place, Problem, shown
from reading_room.analysis.training.sources import Line


class Item(NamedTuple):
    """A line of a manifest: its text, the value of the attribute, and the value of the attribute's metadata."""

    place: Place
    text: str
    attribute: str
    value: Any
    metadata: dict[str, Any]


def items(file: str, lines: Iterable[Line | Problem], attributes: Sequence[str]) -> Iterator[Item | Problem]:
    """Yield the items of a manifest. If a line has several of the attributes, the first one counts."""
    for line in lines:
        if isinstance(line, Problem):
            yield line
        elif line.text.strip():
            yield _item(Place(file, line.number), line.text, attributes)


def _item(place: Place, text: str, attributes: Sequence[str]) -> Item | Problem:
    try:
        members = json.loads(text)
        json.dumps(members, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        return Problem(place._replace(column=error.colno), "a line that is not JSON", error.msg)
    except RecursionError:
        return Problem(place, "a line that is not JSON", "it is nested too deeply")
    except UnicodeEncodeError:
        return Problem(place, "a line with half of a surrogate pair, which is not text")
    except ValueError:
        return Problem(place, "a line that is not JSON", "it has a number with too many digits")
    if not isinstance(members, dict):
        return Problem(place, "a line that is not a JSON object")
    source = members.get("source")
    if not isinstance(source, str):
        if "source-ref" in members:
            return Problem(place, "a text given only by reference (put the text itself into \"source\")",
                           shown(str(members["source-ref"])))  # fmt: skip
        return Problem(place, 'no text in "source"')
    for name in attributes:
        if name in members:
            metadata = members.get(f"{name}-metadata")
            return Item(place, source, name, members[name], metadata if isinstance(metadata, dict) else {})
    named = ", ".join(shown(name) for name in attributes)
    has = ", ".join(shown(name) for name in list(members)[:5])
    return Problem(place, f"none of the attributes {named}", f"the line has {has}")
