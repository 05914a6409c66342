"""Refused requests that are only counted, and reported in one line for each address and kind.

This module is light, because the listeners also count the requests that they refuse themselves.
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
"""The period of the reports in seconds."""
KINDS = 100
"""Most lines in one report. Further requests are reported together, as those of other addresses."""
OTHERS = "other addresses"
_SITE = 64
"""Bits of an IPv6 address that identify a site. The site chooses the others itself."""


@dataclass(frozen=True, slots=True)
class RefusedRequests:
    """A number of refused requests of one kind from one place, which are not recorded one by one."""

    path: NetworkPath | None
    """``None`` for those of several addresses."""
    service: str
    code: str
    count: int
    began: dt.datetime
    ended: dt.datetime


def site_of(address: str) -> str:
    """Return the part of an address that identifies a client: for IPv6 its network of 64 bits, else the address."""
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
    """Return the origin of a request as text: an address, with the VPC's id if it is inside a VPC."""
    if path.source_ip is not None:
        return site_of(path.source_ip)
    return f"{path.vpc_source_ip} in {path.vpc_id}"


class Timer(Protocol):
    """A function call in the future that can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls a function after some seconds."""


def in_a_thread(seconds: float, function: Callable[[], None]) -> Timer:
    """Call a function later in a daemon thread."""
    timer = threading.Timer(seconds, function)
    timer.daemon = True
    timer.start()
    return timer


def in_the_loop(seconds: float, function: Callable[[], None]) -> Timer:
    """Call a function later in the running event loop, for processes that must not start threads."""
    return asyncio.get_running_loop().call_later(seconds, function)


class Counts:
    """Counts refused requests by origin and error, and logs the counts once a period. Thread-safe.

    ``on_report`` also gets each count; ``later`` schedules the end of a period.
    """

    def __init__(
        self,
        on_report: Callable[[RefusedRequests], None] | None = None,
        clock: Clock = system_clock,
        seconds: float = SECONDS,
        kinds: int = KINDS,
        later: Later = in_a_thread,
    ) -> None:
        self._later = later
        self._on_report = on_report
        self._clock = clock
        self._seconds = seconds
        self._kinds = kinds
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str, str], tuple[NetworkPath | None, int]] = {}
        self._began = clock()
        self._timer: Timer | None = None

    def add(self, path: NetworkPath, service: str, code: str) -> None:
        """Count a refused request."""
        source: str = source_of(path)
        at: NetworkPath | None = path
        with self._lock:
            if (source, service, code) not in self._counts and len(self._counts) >= self._kinds:
                source, at = OTHERS, None
            _, count = self._counts.get((source, service, code), (at, 0))
            self._counts[source, service, code] = at, count + 1
            if self._timer is None:
                self._began = self._clock()
                self._timer = self._later(self._seconds, self.report)

    def report(self) -> None:
        """Report the counts since the last report."""
        with self._lock:
            counts, self._counts = self._counts, {}
            began, ended = self._began, self._clock()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for (source, service, code), (path, count) in counts.items():
            of = f" by {service}" if service else ""
            log.warning("%d requests from %s refused%s with %s in the last second", count, source, of, code)
            if self._on_report is not None:
                self._on_report(RefusedRequests(path, service, code, count, began, ended))
