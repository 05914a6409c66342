"""The flows of one VPC, read from its router's connection tracking and logged packets.

Every packet is counted exactly once. Accepted packets come from a dump that resets the counters, in every sweep, and
from the last counters in DESTROY events. Packets that were refused, or that no route took, come from NFLOG. A flow is
recorded at the interfaces of both its ends, which are found by address. As in AWS, traffic of a container with the
resolver, the router's own addresses and link-local services is not recorded.

Address translation is undone: the initiator of a flow sees the original direction of connection tracking, the receiver
sees the reply direction, and a NAT gateway between them sees both, with itself at one end of each.
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
"""How long ``flush`` waits for packets that the kernel still gathers."""
LINK_LOCAL = "169.254."
FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
WRITTEN_TOGETHER = 128
"""How many connections' counts are written together: about as many as one message of the kernel holds."""


class Watch:
    """The open sockets of one VPC's router namespace. Created by ``FlowCollector.watch``."""

    def __init__(self, vpc_id: str, tallies: Tallies, before: Places | None = None) -> None:
        """Open the sockets; the calling thread is inside the namespace. Raises ``OSError``.

        ``before`` are the places of an earlier agent that watched the VPC until it ended. Traffic since then is counted
        for them.
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
            # Packets from before the flow log existed do not belong in it.
            if before is None and self._conntrack.count():
                for _entry in self._conntrack.entries(zero=True):
                    pass
        except OSError:
            self.close()
            raise
        self._swept = self._sweep_began = time.time()
        self._begun: dict[bytes, float] = {}
        """When each open connection began, if that was after the last sweep began and its beginning is counted."""

    def sockets(self) -> Sequence[socket.socket]:
        """Return the sockets to wait for."""
        return self._opened

    def close(self) -> None:
        """Close all sockets. Closing twice is allowed. Called with the lock held."""
        self.closed = True
        for opened in self._opened:
            opened.close()
        self._conntrack.close()

    def read(self) -> None:
        """Count everything that waits on the sockets. Called with the lock held."""
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
        """Read and reset the counters of open connections. Called with the lock held."""
        began = time.time()
        if self._conntrack.count():
            for number, found in enumerate(self._conntrack.entries(zero=True), 1):
                self._count(found)
                if number % WRITTEN_TOGETHER == 0:
                    self._tallies.write()
        swept = time.time()
        # Connections that ended before the dump reached them are not in it: they still refer to the sweep before.
        self.read()
        self._swept, self._sweep_began = swept, began
        self._begun = {key: start for key, start in self._begun.items() if start > began}

    def flush(self) -> None:
        """Count everything, including packets that the kernel still gathers. Called inside the namespace."""
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
        """Count packets at an interface; ``led`` says that a route led packets for another address to it."""
        if interface is None or not interface.logged or not packets:
            return
        source, destination = flow.source, flow.destination
        # A record shows the interface itself with its primary address, whatever address the packet has.
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
        start, end = times_of(found, self._swept, time.time())

        # The last sweep did not count connections that began after it, unless they began while it was under way.
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
            # Packets that were led to an interface never get an answer.
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
        # Both legs. On the initiator's side, the packets have the true address of the other end.
        add(gateway, "ingress", there, answer=False)
        add(gateway, "egress", outer, answer=False)
        add(gateway, "ingress", _turned(outer), answer=True)
        add(gateway, "egress", _turned(there), answer=True)

    def _count_packet(self, packet: LoggedPacket) -> None:
        fate = flow_logs.decode(packet.prefix)
        self._tallies.drop(fate.name.lower())
        flow = Tuple(packet.source, packet.destination, packet.protocol, packet.source_port, packet.destination_port)
        sender = self.places.interfaces.get(packet.source)
        if sender is None or fate in (Fate.SPOOFED, Fate.CONTAINED):
            # Only the link that it came in by tells its sender: its source is forged, or already translated.
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
            # It is no longer known which of its addresses the sender used.
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


def times_of(found: Entry, swept: float, now: float) -> tuple[float, float]:
    """Return when the packets that are counted now were seen first and last; ``swept`` is when the last ones were.

    Neither is after ``now``, although a connection that is older than a clock that was set back began after it.
    """
    start = min(max(found.start or 0.0, swept), now)
    return start, max(start, min(found.stop or now, now))


def flags_of(found: Entry, *, begun: bool) -> tuple[int, int]:
    """Return the TCP flags of both directions for flow logs, as far as the connection's state shows them.

    These are SYN, SYN-ACK, FIN, and RST as the answer to a SYN. ``begun`` says that the connection's first packets are
    counted now.
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
    """Return the flow in the other direction."""
    return Tuple(flow.destination, flow.source, flow.protocol, flow.destination_port, flow.source_port)


def _stands_for(interface: Interface, address: str) -> bool:
    """Return whether an address on an interface's own side means the interface: at a NAT gateway, any address does."""
    return address in interface.secondary or interface.nat_gateway_id is not None
