"""The lease of a host that shares VPCs with others: how long its containers may run without news from the server.

The agent counts from the moment at which it sent a request, which is before the server counts the same seconds. So its
lease ends first, and no two clocks need to agree. A lease that has ended never begins again: the next one has a higher
epoch. To get it, the agent names the epoch that the server has now, which it learns from a refusal. So a request that
arrives late, after the server has begun another epoch, grants nothing.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from reading_room.agent.frames import Lease, LeaseRequest
from reading_room.clock import seconds_since_boot
from reading_room.codec import DocumentError, read_file, write_file

_log = logging.getLogger(__name__)

ASK_SECONDS = 2.0
"""How long after a request the next one is sent."""
FIRST_SECONDS = 10.0
"""How long containers that ran before this host shared VPCs may run until its first lease. They cannot send."""
EARLY_SECONDS = 2.0
"""How long before its end a lease counts as ended, so that the containers are gone by then."""
LONGEST_SECONDS = 60
"""The longest lease. A longer one is no answer of a server of ours."""
HUNG_SECONDS = 30.0
"""How long a turn may take before the lease is no longer renewed, so that a host whose agent hangs is lost."""
RECORD = "lease.json"
"""The file in the agent's folder for the agent that is started next."""


@dataclass(frozen=True, slots=True)
class HostLease:
    """What an agent knows of its lease. Times are in seconds by one clock, which the caller reads."""

    epoch: int = 0
    """The epoch of the lease. Without a lease it is the last one that is known to have ended."""
    until: float = 0.0
    """When it ends."""
    held: bool = False
    """Whether it has not ended. Once it has, nothing of its epoch runs any more."""
    granted: bool = False
    """Whether the server granted it, so that packets may pass."""
    asked: tuple[tuple[LeaseRequest, float], ...] = ()
    """The requests without an answer to them or to a later one, and when each was sent."""

    @classmethod
    def first(cls, now: float) -> HostLease:
        """Return the lease of a host that did not share VPCs before: its containers run on for a moment."""
        return cls(until=now + FIRST_SECONDS, held=True)

    def request(self, number: int, now: float) -> tuple[HostLease, LeaseRequest]:
        """Return this lease after a request, and the request. ``number`` is higher than that of any earlier one."""
        request = LeaseRequest(number, self.epoch, self.held)
        recent = tuple(each for each in self.asked if each[1] > now - LONGEST_SECONDS)
        return replace(self, asked=(*recent, (request, now))), request

    def answered(self, answer: Lease, now: float) -> HostLease:
        """Return this lease after an answer, which may be late, repeated, or to the request of an earlier agent."""
        request, sent = next((each for each in self.asked if each[0].renewal == answer.renewal), (None, 0.0))
        if request is None or answer.seconds > LONGEST_SECONDS:
            return self
        asked = tuple(each for each in self.asked if each[0].renewal > answer.renewal)
        refused = answer.seconds <= 0
        if self.held and (answer.epoch != self.epoch or (refused and request.held)):
            return HostLease(answer.epoch, asked=asked)
        if not self.held and (refused or answer.epoch == self.epoch):
            return HostLease(answer.epoch, asked=asked)
        until = sent + answer.seconds
        if refused or until - EARLY_SECONDS <= now:
            return replace(self, asked=asked)
        return HostLease(answer.epoch, max(until, self.until if self.granted else 0.0), True, True, asked)

    def passed(self, now: float) -> HostLease:
        """Return this lease at the time ``now``."""
        ended = self.held and now >= self.until - EARLY_SECONDS
        return replace(self, held=False, granted=False) if ended else self


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The lease as the next agent finds it. ``until`` is in seconds since the machine's start, ``boot`` names that."""

    boot: str
    epoch: int
    until: float
    held: bool


class LeaseKeeper:
    """Keeps the lease of this host, in memory and for the next agent. A host without others has none, and needs none.

    Two threads use it: that of the turns, and one that renews the lease while a turn takes long. An agent that finds no
    record, or one of another start of the machine, holds no lease.
    """

    def __init__(
        self, path: Path | None = None, boot: str = "", clock: Callable[[], float] = seconds_since_boot
    ) -> None:
        """Read the record at ``path``. ``boot`` identifies this start of the machine."""
        self._path = path
        self._boot = boot
        self._clock = clock
        self._lock = threading.Lock()
        self._turned = clock()
        """When the last turn began."""
        self._lease: HostLease | None = None
        self._ended = False
        """Whether the containers of a lease that ended must still be ended."""
        # Higher than every number of an earlier agent since the machine's start.
        self._number = int(clock() * 1000)
        self._asked_at = -math.inf
        found = self._read()
        if found is not None:
            self._lease = HostLease(found.epoch)
            if found.boot == boot and found.held:
                self._lease = HostLease(found.epoch, found.until, held=True, granted=True).passed(clock())
            self._ended = not self._lease.held

    def take(self, answers: Iterable[Lease]) -> bool:
        """Take the answers of the server and look at the clock; return whether the lease has ended.

        Then every container must end before anything else happens. It returns true again until ``gone`` is called.
        """
        with self._lock:
            self._turned = self._clock()
            self._take(answers)
            return self._ended

    def renew(self, answers: Iterable[Lease]) -> LeaseRequest | None:
        """Take answers and return a request if it is time for one, beside a turn that takes long."""
        with self._lock:
            self._take(answers)
            hung = self._clock() > self._turned + HUNG_SECONDS
            return None if hung else self._request(fresh=False)

    def gone(self) -> None:
        """Remember that every container of the lease that ended has ended."""
        with self._lock:
            self._ended = False

    def request(self, *, fresh: bool) -> LeaseRequest | None:
        """Return a request if it is time for one; ``fresh`` says that a server has just connected."""
        with self._lock:
            return self._request(fresh=fresh)

    def _take(self, answers: Iterable[Lease]) -> None:
        before = self._lease
        # What follows a lease that ended begins after its containers have ended.
        if before is None or self._ended:
            return
        now = self._clock()
        lease = before
        for answer in answers:
            lease = lease.answered(answer, now) if lease.held or not before.held else lease
        # An answer that waited while this agent was paused still counts.
        lease = lease.passed(now)
        if lease.epoch != before.epoch and not lease.held:
            self._asked_at = -math.inf
        self._put(lease)
        if before.held and not lease.held:
            self._ended = True
            _log.error("the lease of this host, of epoch %d, has ended: its containers end", before.epoch)

    def _request(self, *, fresh: bool) -> LeaseRequest | None:
        now = self._clock()
        if self._lease is None or self._ended or (not fresh and now < self._asked_at + ASK_SECONDS):
            return None
        self._number += 1
        self._asked_at = now
        self._lease, request = self._lease.request(self._number, now)
        return request

    def share(self) -> None:
        """This host shares VPCs with others from now on."""
        with self._lock:
            if self._lease is None:
                self._lease = HostLease.first(self._clock())

    def release(self) -> None:
        """This host shares its VPCs with no other any more: its containers need no lease."""
        with self._lock:
            if self._lease is not None and self._path is not None:
                self._path.unlink(missing_ok=True)
            self._lease, self._ended = None, False

    def shares(self) -> bool:
        """Return whether this host shares VPCs with others."""
        return self._lease is not None

    def covers(self, epoch: int) -> bool:
        """Return whether containers of a spec of this epoch may run."""
        lease = self._lease
        return lease is not None and lease.held and lease.epoch == epoch

    def granted_until(self) -> float:
        """Return until when packets may pass, in seconds of the clock; 0 if they must not."""
        lease = self._lease
        return lease.until if lease is not None and lease.held and lease.granted else 0.0

    def seconds_left(self) -> int:
        """Return for how many whole seconds packets may pass."""
        return max(0, int(self.granted_until() - self._clock()))

    def seconds_to_next(self) -> float:
        """Return in how many seconds there is something to do."""
        lease = self._lease
        if lease is None:
            return math.inf
        now = self._clock()
        end = lease.until - EARLY_SECONDS - now if lease.held else math.inf
        return max(0.0, min(self._asked_at + ASK_SECONDS - now, end))

    def _put(self, lease: HostLease) -> None:
        before, self._lease = self._lease, lease
        assert before is not None
        if self._path is None or replace(before, asked=()) == replace(lease, asked=()):
            return
        try:
            write_file(self._path, LeaseRecord(self._boot, lease.epoch, lease.until, lease.held))
        except OSError as error:
            # The next agent finds an earlier end, and ends the containers too early rather than too late.
            _log.error("the lease of this host could not be recorded: %s", error)

    def _read(self) -> LeaseRecord | None:
        if self._path is None:
            return None
        try:
            return read_file(LeaseRecord, self._path)
        except FileNotFoundError:
            return None
        except DocumentError as error:
            _log.error("%s cannot be read, so this host has no lease: %s", self._path, error)
            return LeaseRecord("", 0, 0.0, held=False)
