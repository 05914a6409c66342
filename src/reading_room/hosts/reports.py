"""Reading an agent's messages, so that an unreadable part does not affect the others.

The agent may be newer than this program while an upgrade restarts both. Then members that this program does not know
are ignored, and what it cannot read otherwise is left out as a whole: nothing is known to be wrong.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from reading_room.agent.frames import Flows, FromAgent
from reading_room.agent.spec import HostReport
from reading_room.analysis.job_file import Failed
from reading_room.codec import DocumentError, encode, from_members, parse
from reading_room.containers.spec import ContainerState


def read(document: bytes, *, newer: bool = False) -> tuple[FromAgent, tuple[str, ...]]:
    """Read the document of an agent, which may be ``newer``; return it, and what was left out, for the log.

    Unreadable items of a report or of flow events are left out. A container whose state is unreadable is reported as
    failed, so that its job ends and says why; but if the agent is newer, nothing of the report is used. Raises
    ``DocumentError`` if nothing can be read or used.
    """
    members = parse(document)
    try:
        return from_members(FromAgent, members, newer=newer), ()
    except DocumentError:
        faults: list[str] = []
        body = members.get("body") if isinstance(members, dict) else None
        for kind in (HostReport, Flows):
            if isinstance(body, dict) and body.get("type") == kind.__name__:
                _leave_out(kind, body, faults, newer)
        return from_members(FromAgent, members, newer=newer), tuple(faults)


def _leave_out(kind: type[Any], body: dict[str, Any], faults: list[str], newer: bool) -> None:
    hints = typing.get_type_hints(kind)
    for each in dataclasses.fields(kind):
        if typing.get_origin(hints[each.name]) is tuple and isinstance(body.get(each.name), list):
            item_kind = typing.get_args(hints[each.name])[0]
            body[each.name] = [
                item
                for given in body[each.name]
                if (item := _item(item_kind, given, each.name, faults, newer)) is not None
            ]


def _item(kind: Any, given: Any, name: str, faults: list[str], newer: bool) -> Any:
    try:
        from_members(kind, given, newer=newer)
    except DocumentError as error:
        if newer and kind is ContainerState:
            raise
        fault = str(error)[:300]
        container = _container_id(given) if kind is ContainerState else None
        if container is None:
            faults.append(f"one of the {name} in its report cannot be read: {fault}")
            return None
        faults.append(f"its report of container {container} cannot be read: {fault}")
        failed = Failed("INTERNAL_ERROR", f"Its host's report of its container cannot be read: {fault}")
        return parse(encode(ContainerState(container, "exited", 1, (failed,))))
    return given


def _container_id(given: Any) -> str | None:
    try:
        return from_members(str, given.get("container_id")) if isinstance(given, dict) else None
    except DocumentError:
        return None
