"""The two documents between the server and a host's agent: the spec of what should exist, the report of what does.

``HostSpec`` contains only values. The agent checks it (``agent/check.py``) and refuses it as a whole if anything in it
breaks an invariant, or if its generation is older than the one in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.analysis.kind import EngineName
from reading_room.codec import later
from reading_room.containers.spec import ContainerSpec, ContainerState, RealtimeSpec
from reading_room.dataplane.spec import NetworkSpec, Problem


@dataclass(frozen=True, slots=True)
class StandbyCount:
    """How many containers of an engine wait, loaded, without network."""

    engine: EngineName
    count: int


@dataclass(frozen=True, slots=True)
class HostSpec:
    """Everything that should exist on one host. ``generation`` grows with every change."""

    host: str
    generation: int
    network: NetworkSpec
    containers: tuple[ContainerSpec, ...] = ()
    standby: tuple[StandbyCount, ...] = ()
    realtime: tuple[RealtimeSpec, ...] = ()
    epoch: int = later(0)
    """The epoch of the host's lease that the containers belong to, if the network has an underlay. In any other lease,
    none of them may run."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """A host's capacity for containers: the cores that its agent may use, its memory, and its free memory."""

    cores: int
    memory_bytes: int
    memory_free: int


@dataclass(frozen=True, slots=True)
class UnderlayAddress:
    """An IPv4 address, and the MTU in bytes of its interface."""

    address: str
    mtu: int


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What the containers of one role and engine use together.

    ``memory_bytes`` is the resident memory of their processes, and counts pages that they share once for each.
    ``cpu_seconds`` is the processor time of all that ever ran since the agent's start.
    """

    role: Literal["job", "ahead", "realtime"]
    engine: EngineName
    containers: int
    memory_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class PacketDrops:
    """How many packets were dropped for a reason since the agent's start, as far as flow logs need to know of them."""

    reason: str
    packets: int


@dataclass(frozen=True, slots=True)
class HostUsage:
    """What the agent measures for the metrics, since its start."""

    turns: int
    turn_seconds: float
    containers: tuple[ContainerUsage, ...] = ()
    drops: tuple[PacketDrops, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerTimes:
    """When a container of a traced job passed its steps, in seconds since 1970; 0 for a step that was not seen.

    ``wanted_at`` is when a spec first had it, ``handed_at`` when it got its job, ``ended_at`` when it had ended.
    """

    container_id: str
    wanted_at: float
    handed_at: float = 0.0
    ended_at: float = 0.0


ENFORCEMENT = "enforcement"
"""The subject of problems that keep every container from starting: the network is not proven to be enforced."""
LEASE = "lease"
"""The subject of the problem that the host has no lease for its spec: no container of the spec runs."""
RESOURCES = "resources"
"""The subject of the problem that the agent itself is short of descriptors, memory or room: what it starts may fail."""
MODELS = "models"
"""The subject of the problem that the weights are not installed: containers start, and no engine can answer."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """Everything that exists on one host, after a turn on ``generation``.

    ``interfaces`` are the ids of existing ones. An interface that was removed from the spec is gone from the
    kernel once a report of that generation lacks it. ``standby`` counts the containers that wait loaded, by engine.
    """

    host: str
    generation: int
    vpcs: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    containers: tuple[ContainerState, ...] = ()
    standby: tuple[StandbyCount, ...] = ()
    realtime: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: str = ""
    """Why the document was refused; empty if it was not."""
    capacity: Capacity | None = None
    """The capacity when the report was sent; ``None`` if it could not be read."""
    usage: HostUsage | None = None
    """What was measured when the report was sent; ``None`` if the metrics are off."""
    traced: tuple[ContainerTimes, ...] = ()
    """The times of the containers whose jobs are traced."""
    tunnel_key: str = later("")
    """The public key with which this host encrypts what it sends to other hosts, in base64; empty if it does not."""
    tunnel_port: int = later(0)
    """The UDP port at which it receives encrypted packets; 0 without a key."""
    underlay: tuple[UnderlayAddress, ...] = later(())
    """The addresses that this host could have in an underlay without encryption, which is a namespace of its own."""
