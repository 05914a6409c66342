"""The form of every document between processes, as names and types, and whether two versions understand each other.

``python -m tests.worlds.document_forms > tests/agent/data/documents_N.json`` records the form of a new number. The form
of a number that no release has, such as 1 until 0.1.0 is released, may be recorded again.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union

from reading_room.agent import frames, public_listeners
from reading_room.agent.front_orders import Order
from reading_room.agent.holder import Holder
from reading_room.agent.lease import LeaseRecord
from reading_room.codec import is_later
from reading_room.containers.reader import Said
from reading_room.containers.record import Record
from reading_room.hosts.front import records
from reading_room.hosts.link import documents

DOCUMENTS: Mapping[str, tuple[type[Any], ...]] = {
    "serve to agent": (frames.Greeting, frames.FromServer),
    "agent to serve": (frames.Greeting, frames.FromAgent),
    "serve to agent, about fronts": (public_listeners.FromServe,),
    "agent to serve, about fronts": (public_listeners.Started,),
    "agent to front": (Order,),
    "front to serve": (records.FromFront,),
    "serve to front": (records.FromServer,),
    "link to serve": (documents.Opening, documents.LaneTaken),
    "serve to link": (documents.Answer,),
    "reader to agent": (Said,),
    "files of the agent": (Record, Holder, LeaseRecord),
}
Forms = dict[str, dict[str, dict[str, str]]]
"""By direction and class, the type of each member. The name of a member that may be missing ends in a question mark."""


def forms() -> Forms:
    """Return the forms of this version's documents."""
    return {direction: _classes(roots) for direction, roots in DOCUMENTS.items()}


def misunderstandings(older: Forms, newer: Forms) -> Iterator[str]:
    """Yield what keeps a newer version from reading an older one's documents, or an older one from reading those in
    which nothing is asked for that it does not know."""
    for direction, classes in older.items():
        for name, members in classes.items():
            now = newer[direction].get(name, {})
            for member, kind in members.items():
                if member not in now:
                    yield f"{direction}: {name}.{member} is gone"
                elif not _options(kind) <= _options(now[member]):
                    yield f"{direction}: {name}.{member} was {kind} and is {now[member]}"
            for member in now.keys() - members.keys():
                if not member.endswith("?"):
                    yield f"{direction}: {name}.{member} is new, and its default is not later(…)"


def _classes(roots: tuple[type[Any], ...]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    pending: list[Any] = list(roots)
    while pending:
        kind = pending.pop()
        if kind.__name__ in found:
            continue
        hints = typing.get_type_hints(kind)
        found[kind.__name__] = {
            f"{each.name}{'?' if is_later(each) else ''}": _type(hints[each.name], pending)
            for each in dataclasses.fields(kind)
        }
    return dict(sorted(found.items()))


def _type(annotation: Any, pending: list[Any]) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if dataclasses.is_dataclass(annotation):
        pending.append(annotation)
        return str(annotation.__name__)  # type: ignore[union-attr]
    if origin is Literal:
        return " | ".join(sorted(map(repr, arguments)))
    if origin is tuple:
        return f"[{_type(arguments[0], pending)}]"
    if origin in (Union, types.UnionType):
        return " | ".join(sorted(_type(each, pending) for each in arguments))
    return "None" if annotation is type(None) else str(annotation.__name__)


def _options(kind: str) -> set[str]:
    listed = kind.startswith("[")
    return {f"[{each}]" if listed else each for each in kind.strip("[]").split(" | ")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(forms(), indent=1) + "\n")
