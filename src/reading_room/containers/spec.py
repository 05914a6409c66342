"""Containers as values: an engine's name and numeric limits, but never a path, mount, command or environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reading_room.analysis.job_file import CALL_THREADS, JobFile, WorkerMessage
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

    def for_calls(self) -> Limits:
        """Return those of a container for synchronous calls, in which two threads may read one text."""
        return replace(self, cpus=CALL_THREADS * self.cpus)


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A container that should run one job with one interface.

    ``credentials_path`` is the unguessable path at the credentials address (``/v2/credentials/…``), the SDK's relative
    URI. It is not a secret by itself, because only the job's own interface gets an answer there. ``name_servers`` are
    queried in this order; without any, no name can be resolved. ``search_domains`` are appended to names without a dot.
    """

    container_id: str
    vpc_id: str
    interface_id: str
    engine: EngineName
    job: JobFile
    credentials_path: str
    limits: Limits = Limits()
    stop: bool = False
    """Whether the worker should finish early: it writes what it has and exits."""
    name_servers: tuple[str, ...] = (RESOLVER,)
    search_domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeSpec:
    """A container without network that answers one account's synchronous calls with one engine.

    ``model`` identifies the custom model that it is for, without saying anything about it; it is empty if there is
    none. If such a container dies early, only those with the same account, engine and model wait before they start.
    """

    container_id: str
    account: str
    engine: EngineName
    model: str = ""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """The state of a container.

    ``exit_code`` is set if ``phase`` is ``exited``; ``lost`` means that its end is unknown. ``messages`` are all those
    read so far, in limited number. ``diagnostics`` is the end of its standard error, with control characters escaped.
    ``limits_in_force`` names the limits that this host can enforce.
    """

    container_id: str
    phase: Literal["starting", "running", "exited", "lost"]
    exit_code: int | None = None
    messages: tuple[WorkerMessage, ...] = ()
    diagnostics: str = ""
    started_ahead: bool = False
    limits_in_force: tuple[str, ...] = ()
