"""The flows of one VPC: read from its router's connection tracking and logged packets, attributed to interfaces.

Counts come out once and exactly: a zeroing dump each sweep and the last counters in DESTROY events for what was
accepted, NFLOG for what was refused or taken by no route. An event names an interface by its address, at both ends of
the flow. Not recorded, as in AWS: what a container exchanges with the resolver, the router's own addresses and
link-local services.

Address translation is undone: who began a flow sees it as connection tracking's original direction has it, who
received it as the reply direction has it, and a NAT gateway between them sees both, with itself at one end of each.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from reading_room.dataplane.linux import conntrack, nflog
from reading_room.dataplane.linux.conntrack import Conntrack
from reading_room.dataplane.linux.flow_counts import Action, Direction, Key, Tallies
from reading_room.dataplane.linux.nflog import LoggedPacket, LostPacketsError
from reading_room.dataplane.rules.compile import flow_logs
from reading_room.dataplane.rules.compile.flow_logs import Fate
from reading_room.dataplane.rules.compile.interfaces import FIRST_MARK
from reading_room.dataplane.rules.flow_places import Places
from reading_room.dataplane.rules.tracked_flows import Entry, Tuple
from reading_room.dataplane.spec import Interface

RECEIVE_BYTES = 4 << 20
FLUSH_SECONDS = 0.5
"""How long a forced reading waits for packets that the kernel still gathers."""
LINK_LOCAL = "169.254."
FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
WRITTEN_TOGETHER = 128
"""Connections whose counts are written down together: about what the kernel tells at a time."""


class Watch:
    """The open sockets of one VPC's router namespace. Made by ``FlowCollector.watch``."""

    def __init__(self, vpc_id: str, tallies: Tallies, before: Places | None = None) -> None:
        """Open the sockets; the calling thread is inside the namespace. Raises ``OSError``.

        ``before`` are the places of an agent that watched the VPC until it ended: what went on since is theirs.
        """
        self.vpc_id = vpc_id
        self.places = before or Places()
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
            if before is None and self._conntrack.count():
                for _entry in self._conntrack.entries(zero=True):
                    pass
        except OSError:
            self.close()
            raise
        self._swept = self._sweep_began = time.time()
        self._begun: dict[bytes, float] = {}
        """The living connections whose beginning, after the last sweep began, is counted already; and when it was."""

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
        for number, found in enumerate(conntrack.read_destroyed(self._ends), 1):
            self._count(found)
            if number % WRITTEN_TOGETHER == 0:
                self._tallies.write()
        try:
            for packet in nflog.read_packets(self._log):
                self._count_packet(packet)
        except LostPacketsError:
            self._tallies.lose(self.vpc_id)
        self._tallies.write()

    def sweep(self) -> None:
        """Zero the counters of living connections and count them. Called with the lock held."""
        began = time.time()
        if self._conntrack.count():
            for number, found in enumerate(self._conntrack.entries(zero=True), 1):
                self._count(found)
                if number % WRITTEN_TOGETHER == 0:
                    self._tallies.write()
        swept = time.time()
        # Those that ended before the dump came to them are not in it: the sweep before is still what they go by.
        self.read()
        self._swept, self._sweep_began = swept, began
        self._begun = {key: start for key, start in self._begun.items() if start > began}

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
        flow: Tuple,
        packets: int,
        size: int,
        start: float,
        end: float,
        action: Action = "ACCEPT",
        flags: int = 0,
        *,
        led: bool = False,
    ) -> None:
        """Count packets at an interface; ``led`` says that a route brought it what is for another address."""
        if interface is None or not interface.logged or not packets:
            return
        source, destination = flow.source, flow.destination
        # A record names the interface itself by its primary address, whatever address the packet has.
        if direction == "egress" and _stands_for(interface, source):
            source = interface.address
        elif direction == "ingress" and (led or _stands_for(interface, destination)):
            destination = interface.address
        key: Key = (
            self.vpc_id,
            interface.interface_id,
            direction,
            source,
            destination,
            flow.source_port,
            flow.destination_port,
            flow.protocol,
            action,
            flow.source if flow.source != source else "",
            flow.destination if flow.destination != destination else "",
        )
        self._tallies.add(key, packets, size, start, end, flags)

    def _count(self, found: Entry) -> None:
        there, back = found.original, found.reply
        if self._silent(there.source) or self._silent(there.destination):
            return
        if not found.packets and not found.reply_packets:
            return
        start = max(found.start, self._swept) if found.start else self._swept
        end = max(start, found.stop or time.time())

        # Whoever began since the sweep before was not counted then, unless it was while that one went on.
        begun = found.start > self._sweep_began and found.key not in self._begun
        if begun and not found.stop:
            self._begun[found.key] = found.start
        flags, back_flags = flags_of(found, begun=begun)

        def add(interface: Interface | None, direction: Direction, flow: Tuple, *, answer: bool) -> None:
            packets, size = (found.reply_packets, found.reply_size) if answer else (found.packets, found.size)
            self._add(interface, direction, flow, packets, size, start, end, flags=back_flags if answer else flags)

        sender = self.places.interfaces.get(there.source)
        add(sender, "egress", there, answer=False)
        add(sender, "ingress", _turned(there), answer=True)
        if found.mark >= FIRST_MARK:
            # Nothing that was led to an interface is ever answered.
            led = self.places.takers.get(found.mark)
            self._add(led, "ingress", there, found.packets, found.size, start, end, flags=flags, led=True)
            return
        receiver = self.places.interfaces.get(back.source)
        add(receiver, "ingress", _turned(back), answer=False)
        add(receiver, "egress", back, answer=True)
        gateway = self.places.gateways.get(back.destination)
        if gateway is None or back.destination == there.source:
            return
        outer = Tuple(gateway.address, there.destination, there.protocol, back.destination_port, there.destination_port)
        # Both legs; towards who began the flow, the packets say the true other end.
        add(gateway, "ingress", there, answer=False)
        add(gateway, "egress", outer, answer=False)
        add(gateway, "ingress", _turned(outer), answer=True)
        add(gateway, "egress", _turned(there), answer=True)

    def _count_packet(self, packet: LoggedPacket) -> None:
        fate = flow_logs.decode(packet.prefix)
        flow = Tuple(packet.source, packet.destination, packet.protocol, packet.source_port, packet.destination_port)
        sender = self.places.interfaces.get(packet.source)
        if sender is None or fate in (Fate.SPOOFED, Fate.CONTAINED):
            # Whose it is says only the link that it came by: its source is forged, or translated by now.
            sender = self.places.devices.get(packet.device)
        if fate is Fate.SPOOFED:
            self._add_packet(sender, "egress", flow, packet, "REJECT")
            return
        if self._silent(packet.destination):
            return
        if fate in (Fate.REFUSED_EGRESS, Fate.CONTAINED):
            self._add_packet(sender, "egress", flow, packet, "REJECT")
            return
        gateway = self.places.gateways.get(packet.source)
        if gateway is not None and sender is not None:
            # Which of its addresses the sender used, nobody knows any more.
            before = replace(flow, source=sender.address)
            self._add_packet(sender, "egress", before, packet, "ACCEPT")
            self._add_packet(gateway, "ingress", before, packet, "ACCEPT")
        self._add_packet(gateway or sender, "egress", flow, packet, "ACCEPT")
        led = packet.mark >= FIRST_MARK
        receiver = self.places.takers.get(packet.mark) if led else self.places.interfaces.get(packet.destination)
        if fate is Fate.REFUSED_INGRESS:
            self._add_packet(receiver, "ingress", flow, packet, "REJECT", led=led)
        elif fate is Fate.UNANSWERED:
            self._add_packet(receiver, "ingress", flow, packet, "ACCEPT")

    def _add_packet(
        self,
        interface: Interface | None,
        direction: Direction,
        flow: Tuple,
        packet: LoggedPacket,
        action: Action,
        *,
        led: bool = False,
    ) -> None:
        at = packet.time or time.time()
        self._add(interface, direction, flow, 1, packet.bytes, at, at, action, packet.tcp_flags, led=led)


def flags_of(found: Entry, *, begun: bool) -> tuple[int, int]:
    """Return the TCP flags of both directions that flow logs tell, as far as the connection's state shows them.

    That is SYN, SYN-ACK and FIN; of RST only the answer to a SYN. ``begun`` says that the first packets are counted
    now.
    """
    if found.original.protocol != conntrack.TCP:
        return 0, 0
    there, back = FIN if found.closed else 0, FIN if found.reply_closed else 0
    if begun:
        there |= SYN
        if found.state == conntrack.CLOSE and found.reply_packets == 1:
            back |= RST
        elif found.state > conntrack.SYN_SENT:
            back |= SYN_ACK
    return there, back


def _turned(flow: Tuple) -> Tuple:
    """Return the other direction of a flow."""
    return Tuple(flow.destination, flow.source, flow.protocol, flow.destination_port, flow.source_port)


def _stands_for(interface: Interface, address: str) -> bool:
    """Return whether an address on an interface's own side is another name of it: a NAT gateway stands for anybody."""
    return address in interface.secondary or interface.nat_gateway_id is not None
