"""What the leader tells the other ``serve`` processes of its database, and what a new one checks at its start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.agent.spec import Capacity
from reading_room.codec import decode, encode
from reading_room.database.engine import Database
from reading_room.fleet.leases import LEADER, find

_SHARES_OBJECTS, _CAPACITY = "shares_objects", "capacity"


class OthersError(Exception):
    """This process cannot join those that use the database; the message says why and what to change."""


def facts_of(shares_objects: bool, capacity: Capacity | None = None) -> dict[str, Any]:
    """Return what the leader tells: whether others can read its objects, and the capacity of the host for jobs."""
    return {_SHARES_OBJECTS: shares_objects, _CAPACITY: None if capacity is None else encode(capacity).decode()}


def capacity_in(facts: Mapping[str, Any]) -> Capacity | None:
    """Return the capacity that the leader tells of, or ``None``. Raises ``DocumentError``."""
    text = facts.get(_CAPACITY)
    return None if text is None else decode(Capacity, str(text).encode(), newer=True)


def check_others(database: Database, server: str, *, shares_objects: bool) -> None:
    """Check that the leader, if it is another process, and this one have their objects in one place.

    Raises ``OthersError``.
    """
    with database.engine.connect() as connection:
        found = find(connection, LEADER)
    if found is None or found.seconds <= 0 or found.held.holder == server:
        return
    if not (shares_objects and found.facts.get(_SHARES_OBJECTS)):
        raise OthersError(
            "another `reading-room serve` uses this database, and objects in a data folder are for one process: set "
            "READING_ROOM_OBJECTS for both of them to a place that they share (docs/operations/objects.md)"
        )


def check_listeners(others: Sequence[str], own: str) -> None:
    """Check that hosts find this process when it leads. ``others`` are the listeners of the other processes.

    All are ``HOST:PORT``; ``own`` is empty if hosts cannot connect to this one. Raises ``OthersError``.
    """
    for other in others:
        if other.rpartition(":")[2] != own.rpartition(":")[2]:
            raise OthersError(
                f"hosts connect to another `reading-room serve` of this database at {other}, and must find this one at "
                "the same port of another address when it leads: set READING_ROOM_HOSTS_LISTEN to that. If the other "
                "one has ended and has another port now, wait half a minute"
            )
