"""In-memory implementations of the ports, for tests and for running the controller without a network or a store."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.jobs.errors import PreparationError
from reading_room.jobs.ports import JobSize, NetworkNeed, OneContainerOnly, PreparedInterface
from reading_room.jobs.tables import JobRow


@dataclass
class MemoryJobNetwork:
    """A ``JobNetwork`` of one VPC. ``refusals`` maps a job's id to the error that its preparation raises."""

    vpc_id: str = "vpc-00000000000000001"
    refusals: dict[str, PreparationError] = field(default_factory=dict)
    interfaces: dict[str, str] = field(default_factory=dict)
    """Interface by container id."""
    attached_ids: set[str] = field(default_factory=set)
    reason: str | None = None
    """The result of ``explain``."""
    alone: dict[str, str] = field(default_factory=dict)
    """Why a job may have only one container, by job id."""
    cut: str | None = None
    """Why no container reaches another: the error of ``check_cluster`` and the result of ``explain_cluster``."""
    made: int = 0
    free: dict[str, int] | None = None
    """The result of ``zones``."""
    prepared: list[NetworkNeed] = field(default_factory=list)
    """The needs for which an interface was created, in order."""

    def zones(self, session: Session, subnets: Sequence[str] | None) -> dict[str, int] | None:
        """Return what was set."""
        return self.free

    def prepare(self, need: NetworkNeed) -> PreparedInterface:
        """Create an interface, or return the one that was created before."""
        if need.job_id in self.refusals:
            raise self.refusals[need.job_id]
        if need.job_id in self.alone and need.containers > 1 and need.member == 0:
            raise OneContainerOnly(self.alone[need.job_id])
        if need.container_id not in self.interfaces:
            self.made += 1
            self.prepared.append(need)
            self.interfaces[need.container_id] = f"eni-{self.made:017x}"
        return PreparedInterface(self.interfaces[need.container_id], self.vpc_id, "memory")

    def check_cluster(self, needs: Sequence[NetworkNeed]) -> None:
        """Raise if the containers cannot reach each other."""
        if self.cut is not None:
            raise PreparationError("CONTAINERS_CANNOT_CONNECT", self.cut)

    def explain_cluster(self, need: NetworkNeed) -> str | None:
        """Return why the containers cannot reach each other, if they cannot."""
        return self.cut

    def attach(self, session: Session, need: NetworkNeed, interface_id: str) -> None:
        """Record that the interface is attached."""
        self.attached_ids.add(interface_id)

    def detached(self, session: Session, needs: Sequence[NetworkNeed]) -> list[NetworkNeed]:
        """Return the containers whose interfaces are not attached."""
        return [need for need in needs if need.interface_id not in self.attached_ids]

    def detach(self, session: Session, interface_id: str) -> None:
        """Record that the interface is detached."""
        self.attached_ids.discard(interface_id)

    def release(self, need: NetworkNeed) -> tuple[str, ...]:
        """Forget the container's interface and its attachment."""
        interface_id = self.interfaces.pop(need.container_id, None)
        self.attached_ids.discard(interface_id or "")
        return ()

    def remove_leftovers(self) -> None:
        """Do nothing: ``prepare`` cannot be interrupted here, so nothing is left over."""

    def explain(self, need: NetworkNeed) -> str | None:
        """Return the reason that was set."""
        return self.reason


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """The facts of an object."""

    size: int
    sha256: str | None


@dataclass
class MemoryOutputStore:
    """An ``OutputStore`` that stores facts without content. ``uploads`` are the unfinished ones, by bucket and key."""

    objects: dict[tuple[str, str], MemoryObject] = field(default_factory=dict)
    uploads: set[tuple[str, str]] = field(default_factory=set)

    def head(self, bucket: str, key: str) -> MemoryObject | None:
        """Return the stored facts of an object."""
        return self.objects.get((bucket, key))

    def objects_below(self, bucket: str, prefix: str) -> Iterator[tuple[str, MemoryObject]]:
        """Yield the keys below a prefix with their facts."""
        for place, facts in sorted(self.objects.items()):
            if _below(place, bucket, prefix):
                yield place[1], facts

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object."""
        self.objects.pop((bucket, key), None)

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Forget the uploads of a key, or of a folder; return how many there were."""
        found = {place for place in self.uploads if place == (bucket, key) or _in_folder(place, bucket, key)}
        self.uploads -= found
        return len(found)

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        """Forget every object and upload whose key starts with the prefix."""
        self.objects = {place: facts for place, facts in self.objects.items() if not _below(place, bucket, prefix)}
        self.uploads = {place for place in self.uploads if not _below(place, bucket, prefix)}


def _in_folder(place: tuple[str, str], bucket: str, key: str) -> bool:
    return key.endswith("/") and _below(place, bucket, key)


def _below(place: tuple[str, str], bucket: str, prefix: str) -> bool:
    return place[0] == bucket and place[1].startswith(prefix)


@dataclass
class MemorySizing:
    """A ``Sizing`` that gives every job the same size."""

    size: JobSize = JobSize()
    capacities: list[Capacity | None] = field(default_factory=list)
    """The capacities that it was called with, in order."""

    def __call__(self, session: Session, row: JobRow, capacity: Capacity | None) -> JobSize:
        """Return the size."""
        self.capacities.append(capacity)
        return self.size


@dataclass
class MemoryIdentities:
    """``Identities`` that only record what was forgotten, in order: job and attempt."""

    forgotten: list[tuple[str, int | None]] = field(default_factory=list)

    def forget(self, job_id: str, attempt: int | None = None) -> None:
        """Record the call."""
        self.forgotten.append((job_id, attempt))


@dataclass
class MemoryStories:
    """A ``Storyteller`` that keeps the lines by job."""

    written: dict[str, list[tuple[dt.datetime, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, session: Session, job_id: str, lines: Sequence[tuple[dt.datetime, str]]) -> None:
        """Keep the lines."""
        with self._lock:
            self.written.setdefault(job_id, []).extend(lines)
