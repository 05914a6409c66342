"""Refused requests that are only counted, and told in one line for each address and kind.

Nothing here needs more than the wire does: listeners count what they refuse themselves.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from reading_room.aws.call import NetworkPath
from reading_room.clock import Clock, system_clock

log = logging.getLogger(__name__)

SECONDS = 1.0
"""How often it is told how many were counted."""
KINDS = 100
"""Lines of counts in one period at most; what comes beyond is told together, as of other addresses."""
OTHERS = "other addresses"
_SITE = 64
"""Bits of an IPv6 address that tell one site from the other: all others are its own choice."""


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


class Timer(Protocol):
    """What will be done later, unless it is cancelled."""

    def cancel(self) -> None:
        """Do it no more."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Does something after so many seconds."""


def in_a_thread(seconds: float, function: Callable[[], None]) -> Timer:
    """Do something later in a thread of its own, which keeps no process alive."""
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()
    return timer


def in_the_loop(seconds: float, function: Callable[[], None]) -> Timer:
    """Do something later in the event loop that runs, for processes that may start no thread."""
    return asyncio.get_running_loop().call_later(seconds, function)


class Counts:
    """Counts refused requests by where they come from and how, and tells them once a period. Thread-safe.

    ``told`` is handed each count besides the log; ``later`` waits for the end of a period.
    """

    def __init__(
        self,
        told: Callable[[RefusedRequests], None] | None = None,
        clock: Clock = system_clock,
        seconds: float = SECONDS,
        kinds: int = KINDS,
        later: Later = in_a_thread,
    ) -> None:
        self._later = later
        self._told = told
        self._clock = clock
        self._seconds = seconds
        self._kinds = kinds
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, str], tuple[NetworkPath | None, int]] = {}
        self._began = clock()
        self._timer: Timer | None = None

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
                self._timer = self._later(self._seconds, self.tell)

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
