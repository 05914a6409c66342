"""Into how many containers a job is divided: by the size of its input and what its host has, or as its tag says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.analysis.kinds import CONTAINER_BYTES, work_of
from reading_room.comprehend.errors import ContainersTagInvalid
from reading_room.comprehend.models.requests import training_places
from reading_room.comprehend.tags import CONTAINERS_TAG, containers_asked, stored
from reading_room.jobs.job import CONTAINERS, counted
from reading_room.jobs.places import location_of
from reading_room.jobs.ports import JobSize
from reading_room.jobs.tables import JobRow
from reading_room.s3.backend import Backend
from reading_room.settings import Settings

KEYS_LOOKED_AT = 100_000
"""Objects whose sizes are added up. More of them that are still too small for several containers are nobody's input."""
MOST_PARTS = 50_000
"""A plan may have twice as many: a part ends with the line in which it gets its size."""
LEAST_PART_BYTES = 1_000
_UNKNOWN = 5_000_000_000
"""Bytes that an input may have which is not to be looked at."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """What an operator has set. ``container_bytes`` is 0 where a kind runs in one container."""

    container_bytes: int
    most: int = 0
    """Containers of one job by the size of its input; 0 is as many as its host has room for."""
    container_memory: int = 2_000_000_000

    @classmethod
    def of(cls, settings: Settings, work: str) -> SizeLimits:
        """Return those for one kind of work (``kinds.work_of``)."""
        usual = CONTAINER_BYTES.get(work, 0)
        chosen = getattr(settings, f"container_input_{work.replace('-', '_')}") if usual else 0
        return cls(chosen or usual, settings.containers_per_job, settings.container_memory)


def size_of(total: int | None, asked: int | None, capacity: Capacity | None, limits: SizeLimits) -> JobSize:
    """Return the size of a job. Pure; the parts do not depend on how many containers there are.

    ``total`` are the bytes of its input, ``None`` where they are not to be known; ``asked`` is what its tag asks for.
    Without ``capacity``, of which nobody knows yet, only the tag gives a job several containers.
    """
    if not limits.container_bytes:
        return JobSize()
    least = -(-(_UNKNOWN if total is None else total) // MOST_PARTS)
    parts = max(limits.container_bytes // 2, least, LEAST_PART_BYTES)
    if asked is not None:
        return JobSize(asked, parts, f"{counted(asked)}, as its tag {CONTAINERS_TAG} says")
    if total is None:
        reason = f"1 container: its input is another account's, so its size is not looked at; {CONTAINERS_TAG} decides"
        return JobSize(1, parts, reason)
    wanted = max(1, -(-total // limits.container_bytes))
    containers, bound = min(((wanted, ""), *_bounds(capacity, limits)), key=lambda each: each[0])
    if wanted == 1:
        return JobSize(1, parts)
    reason = f"{counted(containers)}: {total:,} bytes of input, {limits.container_bytes:,} a container{bound}"
    return JobSize(containers, parts, reason)


class JobSizing:
    """Implements ``jobs.surroundings.Sizing``: looks up what ``size_of`` needs to know."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings

    def __call__(self, session: Session, row: JobRow, capacity: Capacity | None) -> JobSize:
        """Return the size of a job."""
        return self.planned(row, stored(session, row.arn), capacity)

    def planned(self, row: JobRow, tags: Mapping[str, str], capacity: Capacity | None) -> JobSize:
        """Return the size that a job with these tags would have."""
        limits = SizeLimits.of(self._settings, work_of(row.analysis, row.request))
        if not limits.container_bytes:
            return JobSize()
        try:
            asked = containers_asked(tags)
        except ContainersTagInvalid:
            # No request gives a job such a tag; a folder of an older version may hold one.
            asked = None
        return size_of(self._input_bytes(row), asked, capacity, limits)

    def _input_bytes(self, row: JobRow) -> int | None:
        """Return the bytes of a job's input; ``None`` if a part of it is in another account's bucket.

        This is asked before any policy: what an account may not list must not show in how its jobs are divided.
        """
        uris = training_places(row.request["InputDataConfig"]).values() if row.is_training else (row.input_uri,)
        total = 0
        for place in map(location_of, uris):
            facts = self._backend.bucket(place.bucket)
            if facts is None:
                continue
            if facts.account != row.account:
                return None
            total += self._backend.size_below(place.bucket, place.key, KEYS_LOOKED_AT)
        return total


def _bounds(capacity: Capacity | None, limits: SizeLimits) -> list[tuple[int, str]]:
    """Return what a host and its operator leave room for, and how that is said."""
    bounds = [(CONTAINERS, f", and {CONTAINERS} are the most")]
    if limits.most:
        bounds.append((limits.most, f", and READING_ROOM_CONTAINERS_PER_JOB={limits.most}"))
    if capacity is None:
        return [*bounds, (1, ", and its host has not said yet what it has")]
    memory = max(1, capacity.memory_free // limits.container_memory)
    cores = max(1, capacity.cores)
    return [
        *bounds,
        (cores, f", and its host has {cores} free {'core' if cores == 1 else 'cores'}"),
        (memory, f", and its host has {capacity.memory_free:,} free bytes of memory, {limits.container_memory:,} each"),
    ]
