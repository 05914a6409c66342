"""The two documents between the server and a host's agent: what should be, and what is.

``HostSpec`` holds values only. The agent checks it (``agent/check.py``) and refuses it whole if anything in it breaks
an invariant; an older generation than the one in force is refused too.
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.analysis.kind import EngineName
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec
from reading_room.dataplane.spec import NetworkSpec, Problem


@dataclass(frozen=True, slots=True)
class StandbyWish:
    """How many containers of an engine should wait, loaded, without network."""

    engine: EngineName
    count: int


@dataclass(frozen=True, slots=True)
class HostSpec:
    """Everything that one host should hold. ``generation`` grows with every change."""

    host: str
    generation: int
    network: NetworkSpec
    containers: tuple[ContainerSpec, ...] = ()
    standby: tuple[StandbyWish, ...] = ()
    realtime: tuple[RealtimeSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a host has for containers: the cores that its agent may use, its memory, and how much of that is free."""

    cores: int
    memory_bytes: int
    memory_free: int


ENFORCEMENT = "enforcement"
"""What problems are about that keep every container from starting: the network is not proven to be enforced."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """Everything that one host does hold, after a turn on ``generation``.

    ``interfaces`` are the ids in place. An interface that left the wish is gone from the kernel once a report of that
    generation lacks it. ``standby`` counts the containers that wait loaded, by engine.
    """

    host: str
    generation: int
    vpcs: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    containers: tuple[ContainerState, ...] = ()
    standby: tuple[StandbyWish, ...] = ()
    realtime: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: str = ""
    """Why the document was refused whole; empty when it was not."""
    capacity: Capacity | None = None
    """As it was when the report was sent; ``None`` where it could not be read."""
