"""A job's container, as a value: an engine by name, limits as numbers, never a path, mount, command or environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reading_room.analysis.job_file import JobFile, WorkerMessage
from reading_room.analysis.kind import EngineName

RESOLVER = "169.254.169.253"
"""The resolver of every VPC."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use."""

    memory_bytes: int = 2_000_000_000
    processes: int = 64
    cpus: float = 1.0
    seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container that should run one job behind one interface.

    ``credentials_path`` is the unguessable path at the credentials address (``/v2/credentials/…``): the SDK's relative
    URI, an address and not a secret by itself, since only the job's own interface is answered there.
    ``name_servers`` are the addresses that it asks for names, in their order; with none it finds no name.
    ``search_domains`` are tried behind names without a dot.
    """

    container_id: str
    vpc_id: str
    interface_id: str
    engine: EngineName
    job: JobFile
    credentials_path: str
    limits: Limits = Limits()
    stop: bool = False
    """Ask the worker to finish early: it writes what it has and exits."""
    name_servers: tuple[str, ...] = (RESOLVER,)
    search_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeSpec:
    """A container without network that answers one account's synchronous calls with one engine."""

    container_id: str
    account: str
    engine: EngineName


@dataclass(frozen=True, slots=True)
class ContainerState:
    """What the agent knows of a container.

    ``exit_code`` is set when ``phase`` is ``exited``; ``lost`` means that nothing is known of its end.
    ``messages`` are those read so far, whole history, bounded. ``diagnostics`` is the end of what it wrote to standard
    error, control characters escaped. ``limits_in_force`` names the limits that this host can enforce.
    """

    container_id: str
    phase: Literal["starting", "running", "exited", "lost"]
    exit_code: int | None = None
    messages: tuple[WorkerMessage, ...] = ()
    diagnostics: str = ""
    started_ahead: bool = False
    limits_in_force: tuple[str, ...] = ()
