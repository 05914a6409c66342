"""Counts of flows between two calls of ``drain``, bounded: a flow is one entry however often it is counted."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reading_room.dataplane.linux.flow_journal import Count, Journal
from reading_room.dataplane.spec import FlowEvent

MAX_FLOWS = 200_000
"""How many flows are kept between two calls of ``drain``. Counts of further flows are reported as lost."""

Direction = Literal["ingress", "egress"]
Action = Literal["ACCEPT", "REJECT"]
Key = tuple[str, str, Direction, str, str, int, int, int, Action, str, str]
"""VPC, interface, direction, source, destination, source port, destination port, protocol, action, and the source and
destination in the packet itself (empty if they are the same)."""


@dataclass(slots=True)
class Tally:
    """The counts of one flow in one direction at one interface since the last ``drain``."""

    packets: int
    bytes: int
    start: float
    end: float
    flags: int


class Tallies:
    """The bounded counts of all VPCs, used by the reading thread and the agent's thread."""

    def __init__(self, journal: Journal | None = None, most: int = MAX_FLOWS) -> None:
        """Start with what an earlier process left in ``journal``. Without a journal, a crash loses the counts.

        Keep at most ``most`` different flows.
        """
        self._most = most
        self._lock = threading.Lock()
        self._flows: dict[Key, Tally] = {}
        self._lost: dict[str, int] = {}
        self._drops: dict[str, int] = {}
        self._journal = journal
        self._unwritten: list[Count] = []
        self._drained = 0
        if journal is not None:
            for count in journal.earlier():
                self._add(count[:-5], *count[-5:])

    def add(self, key: Key, packets: int, size: int, start: float, end: float, flags: int = 0) -> None:
        """Count packets of a flow. If there are ``most`` other flows already, the count is lost and noted as lost."""
        with self._lock:
            self._add(key, packets, size, start, end, flags)
            if self._journal is not None:
                self._unwritten.append((*key, packets, size, start, end, flags))

    def write(self) -> None:
        """Write the counts since the last call to the journal. Raises ``OSError``."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if self._journal is not None and self._unwritten:
            self._journal.write(self._unwritten)
            self._unwritten.clear()

    def _add(self, key: Key, packets: int, size: int, start: float, end: float, flags: int) -> None:
        tally = self._flows.get(key)
        if tally is not None:
            tally.packets += packets
            tally.bytes += size
            tally.start = min(tally.start, start)
            tally.end = max(tally.end, end)
            tally.flags |= flags
        elif len(self._flows) < self._most:
            self._flows[key] = Tally(packets, size, start, end, flags)
        else:
            self._lost[key[0]] = self._lost.get(key[0], 0) + 1

    def lose(self, vpc_id: str) -> None:
        """Count one message that the kernel could not deliver."""
        with self._lock:
            self._lost[vpc_id] = self._lost.get(vpc_id, 0) + 1

    def drop(self, reason: str) -> None:
        """Count a packet that a VPC dropped."""
        with self._lock:
            self._drops[reason] = self._drops.get(reason, 0) + 1

    def drops(self) -> dict[str, int]:
        """Return the packets that VPCs dropped since this process began, by reason."""
        with self._lock:
            return dict(self._drops)

    def forgetting(self) -> Callable[[], None]:
        """Return a function to call, in any thread, once what ``drain`` returned so far is not needed again."""
        return functools.partial(self._forget, self._drained)

    def _forget(self, last: int) -> None:
        with self._lock:
            if self._journal is not None:
                self._journal.forget(last)

    def drain(self) -> list[FlowEvent]:
        """Return all counts as events, oldest first, and start anew. Raises ``OSError``."""
        with self._lock:
            if not self._flows:
                return []
            if self._journal is not None:
                self._write()
                self._drained = self._journal.turn_over()
            flows, self._flows = self._flows, {}
        events = [
            FlowEvent(
                vpc_id=key[0],
                interface_id=key[1],
                direction=key[2],
                source=key[3],
                destination=key[4],
                source_port=key[5],
                destination_port=key[6],
                protocol=key[7],
                packets=tally.packets,
                bytes=tally.bytes,
                start=tally.start,
                end=tally.end,
                action=key[8],
                tcp_flags=tally.flags,
                packet_source=key[9],
                packet_destination=key[10],
            )
            for key, tally in flows.items()
        ]
        events.sort(key=lambda event: event.start)
        return events

    def take_lost(self) -> dict[str, int]:
        """Return how many counts and messages were lost in each VPC, and start anew."""
        with self._lock:
            lost, self._lost = self._lost, {}
        return lost
