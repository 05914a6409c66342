"""The flows of one VPC: read from its router's connection tracking and logged packets, attributed to interfaces.

Counts come out once and exactly: a zeroing dump each sweep and the last counters in DESTROY events for what was
accepted, NFLOG for what was refused or taken by no route. An event names an interface by its address, at both ends of
the flow. Address translation is undone by reading the original direction. Not recorded, as in AWS: what a container
exchanges with the resolver, the router's own addresses and link-local services.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from reading_room.dataplane.linux import conntrack, nflog
from reading_room.dataplane.linux.compile import flow_logs
from reading_room.dataplane.linux.compile.flow_logs import Fate
from reading_room.dataplane.linux.conntrack import Conntrack, Entry
from reading_room.dataplane.linux.flow_counts import Action, Direction, Key, Tallies
from reading_room.dataplane.linux.nflog import LoggedPacket, LostPacketsError
from reading_room.dataplane.spec import Interface

RECEIVE_BYTES = 4 << 20
FLUSH_SECONDS = 0.5
"""How long a forced reading waits for packets that the kernel still gathers."""
LINK_LOCAL = "169.254."


@dataclass(slots=True)
class Places:
    """Which interface an address or a link (by index) is, and which addresses are the router's own."""

    interfaces: dict[str, Interface] = field(default_factory=dict)
    devices: dict[int, Interface] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()

    def logged(self) -> set[tuple[str, str]]:
        """Return address and id of every interface whose flows are reported."""
        return {(address, each.interface_id) for address, each in self.interfaces.items() if each.logged}


class Watch:
    """The open sockets of one VPC's router namespace. Made by ``FlowCollector.watch``."""

    def __init__(self, vpc_id: str, tallies: Tallies) -> None:
        """Open the sockets; the calling thread is inside the namespace. Raises ``OSError``."""
        self.vpc_id = vpc_id
        self.places = Places()
        self.lock = threading.Lock()
        self._tallies = tallies
        self.closed = False
        self._opened: list[socket.socket] = []
        self._conntrack = Conntrack()
        try:
            self._ends = conntrack.destroy_events(RECEIVE_BYTES)
            self._opened.append(self._ends)
            self._log = nflog.open_group(flow_logs.NFLOG_GROUP, RECEIVE_BYTES)
            self._opened.append(self._log)
            # What was counted before anybody asked for a log is nobody's.
            if self._conntrack.count():
                for _entry in self._conntrack.entries(zero=True):
                    pass
        except OSError:
            self.close()
            raise
        self._swept = time.time()

    def sockets(self) -> Sequence[socket.socket]:
        """Return what to wait for."""
        return self._opened

    def close(self) -> None:
        """Close all sockets; twice is no error. Called with the lock held."""
        self.closed = True
        for opened in self._opened:
            opened.close()
        self._conntrack.close()

    def read(self) -> None:
        """Count what waits on the sockets. Called with the lock held."""
        for found in conntrack.read_destroyed(self._ends):
            self._count(found)
        try:
            for packet in nflog.read_packets(self._log):
                self._count_packet(packet)
        except LostPacketsError:
            self._tallies.lose(self.vpc_id)

    def sweep(self) -> None:
        """Zero the counters of living connections and count them. Called with the lock held."""
        if self._conntrack.count():
            for found in self._conntrack.entries(zero=True):
                self._count(found)
        self._swept = time.time()
        self.read()

    def flush(self) -> None:
        """Count everything there is, what the kernel still gathers included. Called inside the namespace."""
        with self.lock:
            self.sweep()
            limit = time.monotonic() + FLUSH_SECONDS
            while nflog.waiting_in_kernel() and time.monotonic() < limit:
                time.sleep(0.002)
            self.read()

    def _silent(self, address: str) -> bool:
        return address.startswith(LINK_LOCAL) or address in self.places.silent

    def _add(
        self,
        interface: Interface | None,
        direction: Direction,
        flow: conntrack.Tuple,
        packets: int,
        size: int,
        start: float,
        end: float,
        action: Action = "ACCEPT",
        flags: int = 0,
    ) -> None:
        if interface is None or not interface.logged or not packets:
            return
        key: Key = (
            self.vpc_id,
            interface.interface_id,
            direction,
            flow.source,
            flow.destination,
            flow.source_port,
            flow.destination_port,
            flow.protocol,
            action,
        )
        self._tallies.add(key, packets, size, start, end, flags)

    def _count(self, found: Entry) -> None:
        there = found.original
        if self._silent(there.source) or self._silent(there.destination):
            return
        if not found.packets and not found.reply_packets:
            return
        back = conntrack.Tuple(
            there.destination, there.source, there.protocol, there.destination_port, there.source_port
        )
        start = max(found.start, self._swept) if found.start else self._swept
        end = max(start, found.stop or time.time())
        sender = self.places.interfaces.get(there.source)
        receiver = self.places.interfaces.get(there.destination)
        self._add(sender, "egress", there, found.packets, found.size, start, end)
        self._add(sender, "ingress", back, found.reply_packets, found.reply_size, start, end)
        self._add(receiver, "ingress", there, found.packets, found.size, start, end)
        self._add(receiver, "egress", back, found.reply_packets, found.reply_size, start, end)

    def _count_packet(self, packet: LoggedPacket) -> None:
        fate = flow_logs.decode(packet.prefix)
        flow = conntrack.Tuple(
            packet.source, packet.destination, packet.protocol, packet.source_port, packet.destination_port
        )
        if fate is Fate.SPOOFED:
            # Whose it is says only the link that it came by.
            sender = self.places.devices.get(packet.device)
            self._add_packet(sender, "egress", flow, packet, "REJECT")
            return
        if self._silent(packet.destination):
            return
        sender = self.places.interfaces.get(packet.source)
        receiver = self.places.interfaces.get(packet.destination)
        if fate is Fate.REFUSED_EGRESS:
            self._add_packet(sender, "egress", flow, packet, "REJECT")
            return
        self._add_packet(sender, "egress", flow, packet, "ACCEPT")
        if fate is Fate.REFUSED_INGRESS:
            self._add_packet(receiver, "ingress", flow, packet, "REJECT")

    def _add_packet(
        self,
        interface: Interface | None,
        direction: Direction,
        flow: conntrack.Tuple,
        packet: LoggedPacket,
        action: Action,
    ) -> None:
        at = packet.time or time.time()
        self._add(interface, direction, flow, 1, packet.bytes, at, at, action, packet.tcp_flags)
