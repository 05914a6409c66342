"""Surroundings that only remember: for tests, and for trying the controller without a network or a store."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from reading_room.jobs.errors import PreparationError
from reading_room.jobs.surroundings import NetworkNeed, PreparedInterface


@dataclass
class MemoryJobNetwork:
    """A ``JobNetwork`` of one VPC. ``refusals`` maps a job's id to the error that its preparation raises."""

    vpc_id: str = "vpc-00000000000000001"
    refusals: dict[str, PreparationError] = field(default_factory=dict)
    interfaces: dict[str, str] = field(default_factory=dict)
    """Interface by container id."""
    attached_ids: set[str] = field(default_factory=set)
    reason: str | None = None
    """What ``explain`` answers."""
    made: int = 0

    def prepare(self, need: NetworkNeed) -> PreparedInterface:
        """Make an interface, the same one when asked again."""
        if need.job_id in self.refusals:
            raise self.refusals[need.job_id]
        if need.container_id not in self.interfaces:
            self.made += 1
            self.interfaces[need.container_id] = f"eni-{self.made:017x}"
        return PreparedInterface(self.interfaces[need.container_id], self.vpc_id, "memory")

    def attach(self, session: Session, need: NetworkNeed, interface_id: str) -> None:
        """Note that the interface has a wire."""
        self.attached_ids.add(interface_id)

    def attached(self, session: Session, need: NetworkNeed) -> bool:
        """Say whether the interface has a wire."""
        return need.interface_id in self.attached_ids

    def detach(self, session: Session, interface_id: str) -> None:
        """Note that it has none."""
        self.attached_ids.discard(interface_id)

    def release(self, need: NetworkNeed) -> tuple[str, ...]:
        """Forget the container's interface."""
        self.interfaces.pop(need.container_id, None)
        return ()

    def remove_leftovers(self) -> None:
        """Nothing is left over here: ``prepare`` and its note cannot be torn apart."""

    def explain(self, need: NetworkNeed) -> str | None:
        """Return the reason that was set."""
        return self.reason


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """Facts of an object."""

    size: int
    sha256: str | None


@dataclass
class MemoryOutputStore:
    """An ``OutputStore`` of facts: no content. ``uploads`` are the unfinished ones, by bucket and key."""

    objects: dict[tuple[str, str], MemoryObject] = field(default_factory=dict)
    uploads: set[tuple[str, str]] = field(default_factory=set)

    def head(self, bucket: str, key: str) -> MemoryObject | None:
        """Return the facts that were put there."""
        return self.objects.get((bucket, key))

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object."""
        self.objects.pop((bucket, key), None)

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Forget the upload of a key; return how many there were."""
        count = int((bucket, key) in self.uploads)
        self.uploads.discard((bucket, key))
        return count


@dataclass
class MemoryStories:
    """A ``Storyteller`` that keeps the lines by job."""

    told: dict[str, list[tuple[dt.datetime, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, job_id: str, lines: Sequence[tuple[dt.datetime, str]]) -> None:
        """Keep the lines."""
        with self._lock:
            self.told.setdefault(job_id, []).extend(lines)
