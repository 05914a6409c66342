"""Flow-log windows, which sum flow events and become records when they close. No clock, no database.

Each flow log has one window at a time for each interface, with one sum per flow. Windows end with the interface, or at
full minutes, as on Nitro instances of AWS for any interval ("always 1 minute or less").
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Literal

from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs.record import FlowKey, FlowRecord, InterfaceFacts

LONGEST_WINDOW = 60
"""Seconds."""
FLOWS_PER_WINDOW = 50_000
"""A window with this many flows closes early, and another begins, so that its memory is bounded."""
FLOWS_WAITING = 500_000
"""Records that can wait for delivery; further ones are dropped, and the window gets a SKIPDATA record."""
GRACE_SECONDS = 1
"""How long the window of an interface whose row is deleted waits for the host's report and the last packets."""
REMEMBERED_SECONDS = 120
"""How long after an interface's end its last packets may still be reported."""


@dataclass(frozen=True, slots=True)
class FlowLogTarget:
    """The attributes of a flow log that recording and delivery need."""

    flow_log_id: str
    account: str
    traffic_type: Literal["ACCEPT", "REJECT", "ALL"]
    destination_type: Literal["cloud-watch-logs", "s3"]
    fields: tuple[str, ...]
    interval: int
    log_group_name: str | None = None
    deliver_role_arn: str | None = None
    bucket: str | None = None
    key_prefix: str = ""
    hive_compatible_partitions: bool = False
    per_hour_partition: bool = False
    parquet: bool = False
    """Whether the files in the bucket are Parquet rather than plain text."""


@dataclass(frozen=True, slots=True)
class Covered:
    """An interface and a flow log that records it."""

    target: FlowLogTarget
    interface: InterfaceFacts

    @property
    def key(self) -> tuple[str, str]:
        """The ids of the flow log and the interface."""
        return self.target.flow_log_id, self.interface.interface_id


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """The records of a flow log for one interface, oldest first; never empty."""

    covered: Covered
    end: int
    records: tuple[FlowRecord, ...]
    late: bool = False
    """Whether its packets were reported after the interface's window had closed."""


@dataclass(slots=True)
class FlowSum:
    """The counts of a flow in a window; ``start`` and ``end`` are the times of the first and last packet."""

    packets: int = 0
    bytes: int = 0
    start: float = float("inf")
    end: float = 0.0
    tcp_flags: int = 0


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """An open window, as it is saved for the next process."""

    flow_log_id: str
    interface_id: str
    start: float
    sums: list[tuple[FlowKey, FlowSum]]


@dataclass(slots=True)
class _Window:
    covered: Covered
    start: float
    closes_at: float
    skipped: bool = False
    silent: bool = False
    """Whether the window closes without a record if it is empty."""
    late: bool = False
    sums: dict[FlowKey, FlowSum] = field(default_factory=dict)


class Aggregator:
    """The open windows. Not thread-safe. Times are seconds since 1970."""

    def __init__(self, *, flows_per_window: int = FLOWS_PER_WINDOW, flows_waiting: int = FLOWS_WAITING) -> None:
        self._flows_per_window = flows_per_window
        self._flows_waiting = flows_waiting
        self._windows: dict[tuple[str, str], _Window] = {}
        self._by_interface: dict[str, tuple[Covered, ...]] = {}
        self._gone: dict[str, float] = {}
        self._leaving: dict[str, float] = {}
        self._full: list[ClosedWindow] = []
        """Windows that closed early."""
        self._full_records = 0
        self.dropped = 0
        """How many events were not counted because too many records wait."""

    def cover(
        self,
        covered: Iterable[Covered],
        flow_log_ids: Set[str],
        now: float,
        interrupted: Set[str] = frozenset(),
        left_at: float | None = None,
    ) -> None:
        """Set the pairs of interfaces and flow logs to record from now on.

        Windows of deleted flow logs (not in ``flow_log_ids``) are discarded. Those of deleted interfaces close with
        ``close_interface`` or after ``GRACE_SECONDS``, since a job's interface is deleted from the tables before its
        last packets are reported. The earlier traffic of the ``interrupted`` interfaces is unknown, so their first
        window gets a SKIPDATA record. ``left_at`` is when the deleted interfaces were deleted, by default now.
        """
        for key in [key for key in self._windows if key[0] not in flow_log_ids]:
            del self._windows[key]
        self._full = [window for window in self._full if window.covered.target.flow_log_id in flow_log_ids]
        wanted: dict[str, list[Covered]] = {}
        for entry in covered:
            wanted.setdefault(entry.interface.interface_id, []).append(entry)
        for interface_id in [name for name in self._by_interface if name not in wanted]:
            left = [entry for entry in self._by_interface[interface_id] if entry.key[0] in flow_log_ids]
            if left:
                self._by_interface[interface_id] = tuple(left)
                if interface_id not in self._gone:
                    self._leaving.setdefault(interface_id, now if left_at is None else left_at)
            else:
                self._forget(interface_id)
        for interface_id, entries in wanted.items():
            self._by_interface[interface_id] = tuple(entries)
            self._gone.pop(interface_id, None)
            self._leaving.pop(interface_id, None)
            for entry in entries:
                window = self._windows.get(entry.key)
                if window is None:
                    self._open(entry, now, skipped=interface_id in interrupted)
                else:
                    window.covered = entry

    def add(self, event: FlowEvent, now: float) -> bool:
        """Count an event. Returns ``False`` if no flow log covers its interface."""
        covered = self._by_interface.get(event.interface_id)
        if covered is None:
            return False
        key = FlowKey(
            event.source,
            event.destination,
            event.source_port,
            event.destination_port,
            event.protocol,
            event.direction,
            event.action,
            event.packet_source,
            event.packet_destination,
        )
        for entry in covered:
            window = self._windows.get(entry.key)
            if window is None:
                window = self._open(entry, now, skipped=False)
                if event.interface_id in self._gone:
                    # The interface is deleted, so deliver its last packets at once.
                    window.closes_at = now
                    window.silent = True
                    window.late = True
            window.silent = window.silent or entry.target.traffic_type not in ("ALL", event.action)
            if entry.target.traffic_type in ("ALL", event.action) and _is_recorded(event, entry.interface):
                if len(window.sums) >= self._flows_per_window and key not in window.sums:
                    window = self._next(window, now)
                if window is not None:
                    _count(window, key, event)
        return True

    def _next(self, window: _Window, now: float) -> _Window | None:
        """Close a full window and return the next, or ``None`` if too many records wait already."""
        if self._full_records + len(window.sums) > self._flows_waiting:
            window.skipped = True
            self.dropped += 1
            return None
        closed = _records(window, now)
        self._full += closed
        self._full_records += sum(len(each.records) for each in closed)
        after = self._open(window.covered, now, skipped=False)
        after.silent = True
        return after

    def kept(self) -> list[KeptWindow]:
        """Return the open windows, for ``restore``."""
        return [
            KeptWindow(*key, window.start, list(window.sums.items())) for key, window in list(self._windows.items())
        ]

    def restore(self, kept: Iterable[KeptWindow]) -> None:
        """Continue the windows of the previous process, if their flow logs still cover the interface."""
        for each in kept:
            window = self._windows.get((each.flow_log_id, each.interface_id))
            if window is not None:
                window.start = min(window.start, each.start)
                window.sums.update(each.sums)

    def interrupt(self, host: str) -> None:
        """Mark the open windows that a host has to do with as SKIPDATA, since packets may not have been counted."""
        for window in self._windows.values():
            window.skipped = window.skipped or window.covered.interface.host in (None, host)

    def interfaces(self) -> Set[str]:
        """Return the existing interfaces that any flow log covers."""
        return self._by_interface.keys() - self._gone.keys()

    def clock_set(self, by: float, now: float) -> None:
        """Continue after the wall clock was set by this many seconds, and now is ``now``.

        Deleted interfaces are remembered for as long as otherwise. Set back, no window waits until the old time comes
        again.
        """
        for times in (self._gone, self._leaving):
            for interface_id in times:
                times[interface_id] = min(times[interface_id] + by, now)
        if by < 0:
            for window in self._windows.values():
                window.start = min(window.start + by, now)
                window.closes_at = min(window.closes_at, _end_of_window(window.covered, now))

    def close_all(self, now: float) -> list[ClosedWindow]:
        """Close every window early, because recording ends."""
        closed = self._take_full() + [window for each in self._windows.values() for window in _records(each, now)]
        self._windows.clear()
        return closed

    def close_due(self, now: float) -> list[ClosedWindow]:
        """Close the windows whose time is over, and open new ones for existing interfaces."""
        closed = self._take_full()
        for interface_id in [name for name, since in self._leaving.items() if now - since >= GRACE_SECONDS]:
            closed += self.close_interface(interface_id, now)
        for key, window in list(self._windows.items()):
            if window.closes_at <= now:
                closed += _records(window, window.closes_at)
                del self._windows[key]
                if key[1] not in self._gone:
                    self._open(window.covered, max(window.closes_at, now - LONGEST_WINDOW), skipped=False)
        for interface_id in [name for name, since in self._gone.items() if now - since > REMEMBERED_SECONDS]:
            self._forget(interface_id)
        return closed

    def close_interface(self, interface_id: str, now: float) -> list[ClosedWindow]:
        """Close the windows of a deleted interface. Packets reported later are delivered at the next turn."""
        covered = self._by_interface.get(interface_id, ())
        self._leaving.pop(interface_id, None)
        if covered:
            self._gone.setdefault(interface_id, now)
        closed: list[ClosedWindow] = []
        for entry in covered:
            window = self._windows.pop(entry.key, None)
            if window is not None:
                closed += _records(window, now)
        return closed

    def _take_full(self) -> list[ClosedWindow]:
        closed, self._full, self._full_records = self._full, [], 0
        return closed

    def _forget(self, interface_id: str) -> None:
        del self._by_interface[interface_id]
        self._gone.pop(interface_id, None)
        self._leaving.pop(interface_id, None)

    def _open(self, entry: Covered, now: float, *, skipped: bool) -> _Window:
        window = _Window(entry, now, _end_of_window(entry, now), skipped)
        self._windows[entry.key] = window
        return window


def _end_of_window(covered: Covered, now: float) -> float:
    length = min(covered.target.interval, LONGEST_WINDOW)
    return (now // length + 1) * length


def _is_recorded(event: FlowEvent, interface: InterfaceFacts) -> bool:
    """Return whether AWS records such a packet: not if it is to the resolver, the router, metadata or credentials."""
    return not any(
        address in interface.unrecorded or address.startswith("169.254.")
        for address in (event.source, event.destination)
    )


def _count(window: _Window, key: FlowKey, event: FlowEvent) -> None:
    total = window.sums.get(key)
    if total is None:
        total = window.sums[key] = FlowSum()
    total.packets += event.packets
    total.bytes += event.bytes
    total.start = min(total.start, event.start)
    total.end = max(total.end, event.end)
    total.tcp_flags |= event.tcp_flags


def _records(window: _Window, end: float) -> list[ClosedWindow]:
    interface = window.covered.interface
    records = [
        FlowRecord(
            interface,
            int(total.start),
            max(int(total.end), int(total.start)),
            "OK",
            key,
            total.packets,
            total.bytes,
            total.tcp_flags,
        )
        for key, total in window.sums.items()
    ]
    records.sort(key=lambda record: (record.start, record.end))
    if window.skipped:
        records.append(FlowRecord(interface, int(window.start), int(end), "SKIPDATA"))
    elif not records and not window.silent:
        records.append(FlowRecord(interface, int(window.start), int(end), "NODATA"))
    return [ClosedWindow(window.covered, int(end), tuple(records), window.late)] if records else []
