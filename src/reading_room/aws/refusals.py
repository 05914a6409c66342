"""Requests that prove nobody and are refused: what of them is written down, and what they may cost everybody else.

Anybody can send them as fast as the wire takes them. So each address has a bucket of refusals that are written down one
by one, in the log and in the trail. Beyond it they are counted, and told in one line a second for each address and
kind.

An address whose bucket is empty is busy. Its requests without a signature are refused by their heads alone, as nothing
can come of them. Whether the others' signatures are right is found out in one thread, which busy addresses share, and
what is signed rightly goes on as always.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from reading_room.aws.call import NetworkPath
from reading_room.aws.spelling import throttled
from reading_room.aws.throttling import Buckets, Rate
from reading_room.clock import Clock, system_clock

log = logging.getLogger(__name__)

OF_ONE = Rate(20, 1)
"""Refusals of one address that are written down one by one."""
OF_ALL = Rate(200, 20)
"""The same, of all addresses together."""
SECONDS = 1.0
"""How often it is told how many were counted."""
KINDS = 100
"""Lines of counts in one period at most; what comes beyond is told together, as of other addresses."""
PROVING = 200
"""Requests of busy addresses whose signatures may wait to be verified; more are refused."""
OTHERS = "other addresses"
_SITE = 64
"""Bits of an IPv6 address that tell one site from the other: all others are its own choice."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RefusedRequests:
    """So many refused requests of one kind from one place, which are not written down one by one."""

    path: NetworkPath | None
    """``None`` for those of several addresses."""
    service: str
    code: str
    count: int
    began: dt.datetime
    ended: dt.datetime


def site_of(address: str) -> str:
    """Return an address as those are told apart who may be many: an IPv6 address by its network of 64 bits."""
    return _site(address) if ":" in address else address


@lru_cache(maxsize=4096)
def _site(address: str) -> str:
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, _SITE), strict=False))


def source_of(path: NetworkPath) -> str:
    """Return where a request comes from: an address, in a VPC with the VPC's id."""
    if path.source_ip is not None:
        return site_of(path.source_ip)
    return f"{path.vpc_source_ip} in {path.vpc_id}"


class Counts:
    """Counts refused requests by where they come from and how, and tells them once a period. Thread-safe.

    ``told`` is handed each count besides the log.
    """

    def __init__(
        self,
        told: Callable[[RefusedRequests], None] | None = None,
        clock: Clock = system_clock,
        seconds: float = SECONDS,
        kinds: int = KINDS,
    ) -> None:
        self._told = told
        self._clock = clock
        self._seconds = seconds
        self._kinds = kinds
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, str], tuple[NetworkPath | None, int]] = {}
        self._began = clock()
        self._timer: threading.Timer | None = None

    def add(self, path: NetworkPath, service: str, code: str) -> None:
        """Count one."""
        source: str = source_of(path)
        at: NetworkPath | None = path
        with self._lock:
            if (source, service, code) not in self._counts and len(self._counts) >= self._kinds:
                source, at = OTHERS, None
            _, count = self._counts.get((source, service, code), (at, 0))
            self._counts[source, service, code] = at, count + 1
            if self._timer is None:
                self._began = self._clock()
                self._timer = threading.Timer(self._seconds, self.tell)
                self._timer.daemon = True
                self._timer.start()

    def tell(self) -> None:
        """Tell what was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
            began, ended = self._began, self._clock()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for (source, service, code), (path, count) in counts.items():
            of = f" by {service}" if service else ""
            log.warning("%d requests of %s refused%s with %s in the last second", count, source, of, code)
            if self._told is not None:
                self._told(RefusedRequests(path, service, code, count, began, ended))


class Refusals:
    """Decides which refusals are written down, and looks after the requests of busy addresses. Thread-safe."""

    def __init__(
        self,
        counts: Counts | None = None,
        buckets: Buckets | None = None,
        *,
        of_one: Rate = OF_ONE,
        of_all: Rate = OF_ALL,
        proving: int = PROVING,
    ) -> None:
        self._counts = counts or Counts()
        self._buckets = Buckets() if buckets is None else buckets
        self._of_one = of_one
        self._of_all = of_all
        self._most_proving = proving
        self._proving = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prove")

    def writes(self, path: NetworkPath, service: str, code: str) -> bool:
        """Hear of a refusal. Say whether it is to be written down; else it was counted."""
        alone = self._buckets.take(self._of_one, ("refused", source_of(path)))
        if alone and self._buckets.take(self._of_all, ("refused",)):
            return True
        self._counts.add(path, service, code)
        return False

    def busy(self, path: NetworkPath) -> bool:
        """Say whether so much of an address was refused that its requests are looked at more cheaply."""
        return not self._buckets.has(self._of_one, ("refused", source_of(path)))

    async def prove(self, service: str, function: Callable[..., Result], *arguments: object) -> Result:
        """Run what verifies a signature in the thread that busy addresses share.

        Raises what it raises, and the service's error of a caller who is too fast where too many wait.
        """
        if self._proving >= self._most_proving:
            raise throttled(service)
        self._proving += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)
        finally:
            self._proving -= 1

    def tell(self) -> None:
        """Tell what was counted since the last time."""
        self._counts.tell()

    def close(self) -> None:
        """Tell what was counted, and verify no more."""
        self._thread.shutdown(wait=True)
        self.tell()
