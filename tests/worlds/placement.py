"""Two hosts for the drivers of placement, on which containers are placed and end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from reading_room.jobs.placement import Attempt, ByRoom, Host, Placed

A, B = "us-east-1a", "us-east-1b"
ROOM = 2
"""How many containers each host has room for."""
Expected = Callable[[Placed], bool]


def attempt(containers: int = 1, job: str = "j", **more: object) -> Attempt:
    """Return an attempt of a job with this many containers."""
    return Attempt(job, tuple(f"{job}-{n}" for n in range(containers)), "entities-en", **more)  # type: ignore[arg-type]


def homes(found: Placed, job: str = "j") -> Counter[str]:
    """Return how many containers of a job each host gets."""
    chosen = found[job]
    return Counter(host.host for host in chosen.values()) if isinstance(chosen, dict) else Counter()


class Bed(ABC):
    """The hosts ``a`` and ``b``, in two zones, and what is placed on them."""

    def __init__(self) -> None:
        self.hosts = {"a": Host("a", A, ROOM, node="a"), "b": Host("b", B, ROOM, node="b")}

    def close(self, host: str, why: str = "is being drained") -> None:
        """Let a host take no new containers."""
        self.hosts[host] = replace(self.hosts[host], closed=why)

    @abstractmethod
    def place(self, attempts: Sequence[Attempt], expected: Expected) -> Placed:
        """Ask the driver, again if what is expected can take time, and return its last answer."""

    @abstractmethod
    def begin(self, found: Placed) -> None:
        """Let the containers run where they were placed."""

    @abstractmethod
    def end(self, container: str) -> None:
        """End a container that runs."""


class LocalBed(Bed):
    """The bed of the default driver, which answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = ByRoom("spread")
        self._on: dict[str, str] = {}

    def place(self, attempts: Sequence[Attempt], expected: Expected) -> Placed:
        used = Counter(self._on.values())
        hosts = [replace(each, room=each.room - used[each.host]) for each in self.hosts.values()]
        return self.driver.place(attempts, hosts)

    def begin(self, found: Placed) -> None:
        for chosen in found.values():
            self._on |= {each: host.host for each, host in chosen.items()} if isinstance(chosen, dict) else {}

    def end(self, container: str) -> None:
        del self._on[container]
