"""The number of containers of a job, from the size of its input and the free capacity of its host, or from its tag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from reading_room.agent.spec import Capacity
from reading_room.analysis.formats import CONTAINER_FACTOR, DOCUMENTS, READER
from reading_room.analysis.kinds import CONTAINER_BYTES, work_of
from reading_room.comprehend.errors import ContainersTagInvalid
from reading_room.comprehend.models.requests import input_uris
from reading_room.comprehend.tags import CONTAINERS_TAG, containers_requested, stored
from reading_room.jobs.job import CONTAINERS, counted
from reading_room.jobs.places import location_of
from reading_room.jobs.ports import JobSize
from reading_room.jobs.tables import JobRow
from reading_room.s3.backend import Backend
from reading_room.settings import Settings

KEYS_LOOKED_AT = 100_000
"""How many objects' sizes are added up. Inputs with more objects are large enough for several containers anyway."""
MOST_PARTS = 50_000
"""The number of parts that sizes are planned for. A plan can have up to twice as many, as a part ends with a line."""
LEAST_PART_BYTES = 1_000
_UNKNOWN = 5_000_000_000
"""The assumed size, in bytes, of an input whose size must not be read."""


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """The operator's settings. ``container_bytes`` is 0 if a kind of job runs in one container."""

    container_bytes: int
    most: int = 0
    """The most containers of one job by the size of its input; 0 means as many as its host has room for."""
    container_memory: int = 2_000_000_000

    @classmethod
    def of(cls, settings: Settings, work: str) -> SizeLimits:
        """Return the limits for one kind of work (``kinds.work_of``)."""
        usual = CONTAINER_BYTES.get(work, 0)
        chosen = settings.container_input.get(work, 0) if usual else 0
        return cls(chosen or usual, settings.containers_per_job, settings.container_memory)


def size_of(total: int | None, requested: int | None, capacity: Capacity | None, limits: SizeLimits) -> JobSize:
    """Return the size of a job. The size of its parts does not depend on the number of containers.

    ``total`` is the size of its input in bytes, or ``None`` if it must not be read. ``requested`` is the number of its
    tag. While ``capacity`` is unknown, only the tag gives a job several containers.
    """
    if not limits.container_bytes:
        return JobSize()
    least = -(-(_UNKNOWN if total is None else total) // MOST_PARTS)
    parts = max(limits.container_bytes // 2, least, LEAST_PART_BYTES)
    if requested is not None:
        return JobSize(requested, parts, f"{counted(requested)}, because of its tag {CONTAINERS_TAG}")
    if total is None:
        reason = f"1 container: the size of another account's input is not read; {CONTAINERS_TAG} sets the number"
        return JobSize(1, parts, reason)
    wanted = max(1, -(-total // limits.container_bytes))
    containers, bound = min(((wanted, ""), *_bounds(capacity, limits)), key=lambda each: each[0])
    if wanted == 1:
        return JobSize(1, parts)
    reason = f"{counted(containers)}: {total:,} bytes of input, {limits.container_bytes:,} per container{bound}"
    return JobSize(containers, parts, reason)


class JobSizing:
    """Implements ``jobs.ports.Sizing``: reads what ``size_of`` needs to know."""

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
            requested = containers_requested(tags)
        except ContainersTagInvalid:
            # No request can give a job such a tag, but the database of an older version may have one.
            requested = None
        total = self._input_bytes(row)
        if total is not None and (DOCUMENTS in row.request or READER in row.request):
            # Other documents than text have less text than bytes; the worker weighs each of them.
            total //= CONTAINER_FACTOR
        return size_of(total, requested, capacity, limits)

    def _input_bytes(self, row: JobRow) -> int | None:
        """Return the size of a job's input in bytes, or ``None`` if part of it is in another account's bucket.

        No policy is checked here, so the size of what an account cannot list must not affect how its jobs are divided.
        """
        uris = input_uris(row.request, row.input_uri)
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
    """Return the limits on the number of containers, each with the text that explains it."""
    bounds = [(CONTAINERS, f", and the maximum is {CONTAINERS}")]
    if limits.most:
        bounds.append((limits.most, f", and READING_ROOM_CONTAINERS_PER_JOB={limits.most}"))
    if capacity is None:
        return [*bounds, (1, ", and its host has not reported its capacity yet")]
    memory = max(1, capacity.memory_free // limits.container_memory)
    cores = max(1, capacity.cores)
    return [
        *bounds,
        (cores, f", and its host has {cores} free {'core' if cores == 1 else 'cores'}"),
        (memory, f", and its host has {capacity.memory_free:,} free bytes of memory, {limits.container_memory:,} each"),
    ]
