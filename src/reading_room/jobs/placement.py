"""Choosing the host of each container: what a driver of placement does, and the default one, in pure functions.

A container runs on a host of its subnet's zone that takes new containers and has room for one, near loaded engines of
its kind if there are any. Among those the setting decides: ``spread`` prefers the host with the most room, ``pack`` the
one with the least. A job's containers may be on several hosts. Its first container waits for room; the others share
what there is, as on a single host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Preference = Literal["spread", "pack"]


@dataclass(frozen=True, slots=True)
class ContainerSize:
    """What one container may use, in bytes and cores, and how many may share a core."""

    memory: int
    cpus: float
    overcommit: float


def places_left(
    cores: int, memory_bytes: int, memory_free: int, size: ContainerSize, containers: int, starting: int
) -> int:
    """Return how many more containers a host has room for.

    Every container counts with its full limits, so that it can use them; ``starting`` is how many of the ``containers``
    use no memory yet. A host without containers always has room for one, whatever other programs use: the container is
    bounded by its limits, and the other programs may never end.
    """
    rooms = (
        int(cores * size.overcommit / size.cpus) - containers,
        memory_bytes // size.memory - containers,
        memory_free // size.memory - starting,
    )
    return max(min(rooms), 0 if containers else 1)


@dataclass(frozen=True, slots=True)
class Host:
    """A host, for placement. ``room`` is how many more containers it has room for."""

    host: str
    zone: str
    room: int
    closed: str = ""
    """Why it takes no new containers, such as ``is being drained``; empty if it takes some."""
    loaded: Mapping[str, int] = field(default_factory=dict)
    """How many containers wait with a loaded engine, by engine."""
    node: str = ""
    """Its name in Slurm."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The containers of one job to place now, in the order of their numbers. ``key`` names the attempt in the result.

    ``zones`` are the zones of its subnets, with the free addresses that it may use in each; ``None`` if any zone will
    do. ``more`` says that the job already has a container, so that these need not wait for room.
    """

    key: str
    containers: tuple[str, ...]
    engine: str
    zones: Mapping[str, int] | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class MustWait:
    """Why a job's containers must wait: a sentence for its owner. ``forever`` if no host could ever take them."""

    reason: str
    forever: bool = False


Placed = dict[str, dict[str, Host] | MustWait]
"""The host of each container by attempt and container, or why an attempt must wait."""


class Placer(Protocol):
    """A driver of placement. It is asked in every turn of the controller, so it must not block."""

    @property
    def only_host(self) -> str:
        """Why the only host of an installation gets no containers; empty if it gets all of them."""
        ...

    def place(self, attempts: Sequence[Attempt], hosts: Sequence[Host]) -> Placed:
        """Return the host of each container, or why an attempt must wait. The first attempts choose first.

        All containers of an attempt get a host, or none does. ``attempts`` are all that are to be placed now. What is
        missing next time was placed, or is no longer wanted.
        """
        ...


@dataclass(frozen=True, slots=True)
class ByRoom:
    """The default driver: ``place``."""

    preference: Preference
    only_host: str = ""

    def place(self, attempts: Sequence[Attempt], hosts: Sequence[Host]) -> Placed:
        """Return the host of each container, or why an attempt must wait."""
        return place(attempts, hosts, self.preference)


def place(attempts: Sequence[Attempt], hosts: Sequence[Host], preference: Preference) -> Placed:
    """Return the host of each container by attempt and container, or why an attempt must wait.

    The first attempts choose first. All containers of an attempt get a host, or none does.
    """
    room = {each.host: each.room for each in hosts}
    loaded = {each.host: dict(each.loaded) for each in hosts}
    found: Placed = {}
    for attempt in attempts:
        open_ones = usable(attempt, hosts)
        if isinstance(open_ones, MustWait):
            found[attempt.key] = open_ones
            continue
        if not attempt.more and all(room[each.host] <= 0 for each in open_ones):
            found[attempt.key] = _full(attempt, open_ones)
            continue
        free = dict(attempt.zones or {})
        chosen: dict[str, Host] = {}
        for container in attempt.containers:
            here = [each for each in open_ones if attempt.zones is None or free[each.zone] > 0] or open_ones
            best = min(here, key=lambda each: _key(each, attempt.engine, room, loaded, preference))
            chosen[container] = best
            room[best.host] -= 1
            loaded[best.host][attempt.engine] = loaded[best.host].get(attempt.engine, 0) - 1
            free[best.zone] = free.get(best.zone, 0) - 1
        found[attempt.key] = chosen
    return found


def _key(
    host: Host, engine: str, room: Mapping[str, int], loaded: Mapping[str, Mapping[str, int]], preference: Preference
) -> tuple[bool, bool, int, str]:
    left = room[host.host]
    # Where there is no room, containers share what there is as evenly as they can.
    most_first = preference == "spread" or left <= 0
    return left <= 0, loaded[host.host].get(engine, 0) <= 0, -left if most_first else left, host.host


def usable(attempt: Attempt, hosts: Sequence[Host]) -> list[Host] | MustWait:
    """Return the hosts in an attempt's zones that take new containers, or why there are none."""
    able = [each for each in hosts if attempt.zones is None or attempt.zones.get(each.zone, 0) > 0]
    if not able:
        zones = _listed(sorted({each.zone for each in hosts}), "and")
        return MustWait(
            f"no host is{_where(attempt)}, where the job's subnets are (the hosts are in {zones}): name a subnet in a "
            "zone with a host, or add a host there",
            forever=True,
        )
    open_ones = [each for each in able if not each.closed]
    if not open_ones:
        closed = _listed([f"{each.host} {each.closed}" for each in able], "and")
        return MustWait(f"no host{_where(attempt)} takes new containers: {closed}")
    return open_ones


def _full(attempt: Attempt, hosts: Sequence[Host]) -> MustWait:
    names = _listed([each.host for each in hosts], "and")
    return MustWait(f"no host{_where(attempt)} has room for another container now: {names} run as many as they can")


def _where(attempt: Attempt) -> str:
    return "" if attempt.zones is None else f" in {_listed(sorted(attempt.zones), 'or')}"


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else "no zone"
