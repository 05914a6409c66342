"""Counts of flows between two readings, bounded: the same flow is one entry however often it is counted."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

from reading_room.dataplane.spec import FlowEvent

MAX_FLOWS = 200_000
"""Different flows held between two calls of ``drain``; more are counted as lost and reported."""

Direction = Literal["ingress", "egress"]
Action = Literal["ACCEPT", "REJECT"]
Key = tuple[str, str, Direction, str, str, int, int, int, Action]
"""VPC, interface, direction, source, destination, source port, destination port, protocol, action."""


@dataclass(slots=True)
class Tally:
    """What was counted for one flow in one direction at one interface since the last ``drain``."""

    packets: int
    bytes: int
    start: float
    end: float
    flags: int


class Tallies:
    """Counts of all VPCs, bounded; used by the reading thread and the agent's."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._flows: dict[Key, Tally] = {}
        self._lost: dict[str, int] = {}

    def add(self, key: Key, packets: int, size: int, start: float, end: float, flags: int = 0) -> None:
        """Count packets of a flow; beyond ``MAX_FLOWS`` flows the count is lost, and counted as that."""
        with self._lock:
            tally = self._flows.get(key)
            if tally is not None:
                tally.packets += packets
                tally.bytes += size
                tally.start = min(tally.start, start)
                tally.end = max(tally.end, end)
                tally.flags |= flags
            elif len(self._flows) < MAX_FLOWS:
                self._flows[key] = Tally(packets, size, start, end, flags)
            else:
                self._lost[key[0]] = self._lost.get(key[0], 0) + 1

    def lose(self, vpc_id: str) -> None:
        """Count one message that the kernel could not deliver."""
        with self._lock:
            self._lost[vpc_id] = self._lost.get(vpc_id, 0) + 1

    def drain(self) -> list[FlowEvent]:
        """Take everything, oldest first."""
        with self._lock:
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
            )
            for key, tally in flows.items()
        ]
        events.sort(key=lambda event: event.start)
        return events

    def take_lost(self) -> dict[str, int]:
        """Take the counts of what was lost, by VPC."""
        with self._lock:
            lost, self._lost = self._lost, {}
        return lost
