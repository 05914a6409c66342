"""A listener on the bridge between machines: which kinds of packets each of them sends, and what none may send."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reading_room.dataplane.linux import namespaces

ARP, WIREGUARD, TUNNEL, SERVE, ICMP, NEIGHBOURS = "arp", "wireguard", "tunnel", "serve", "icmp", "ipv6 neighbours"
ZEROS = "zeros"
"""What finds out how long packets may be."""
_ETH_P_ALL, _SOL_PACKET, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 3, 263, 33, 35
_PACKET_STATISTICS, _PACKET_IGNORE_OUTGOING = 6, 23
_HEAD = 256
"""The bytes that are read of each frame."""
_WIREGUARD_TYPES = (1, 2, 3, 4)
_ROOM, _ROOM_FOR_TIME = 1 << 26, 64


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of packet that came by a port of the bridge."""

    port: str
    source: str
    """An IPv4 address; empty if the packet has none."""
    destination: str
    what: str
    vni: int = 0
    """Of a tunnel."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What machines may have to do with each other: the TCP port of ``serve``, and the UDP ports of both underlays."""

    serve: int
    wireguard: int = 51_820
    tunnel: int = 4_789


def kind_of(port: str, frame: bytes, ends: Ends) -> Kind:
    """Return the kind of an Ethernet frame, of which the beginning is enough."""
    if frame[12:14] == b"\x08\x06":
        return Kind(port, socket.inet_ntoa(frame[28:32]), socket.inet_ntoa(frame[38:42]), ARP)
    if frame[12:14] == b"\x86\xdd":
        # Every device announces itself, directly or after hop-by-hop options.
        following = frame[54] if frame[20] == 0 else frame[20]
        return Kind(port, "", "", NEIGHBOURS if following == socket.IPPROTO_ICMPV6 else "other ipv6")
    if frame[12:14] != b"\x08\x00":
        return Kind(port, "", "", f"ethertype {frame[12:14].hex()}")
    source, destination = socket.inet_ntoa(frame[26:30]), socket.inet_ntoa(frame[30:34])
    start = 14 + 4 * (frame[14] & 15)
    what, vni = _contents(frame[23], frame[start:], ends)
    return Kind(port, source, destination, what, vni)


def _contents(protocol: int, segment: bytes, ends: Ends) -> tuple[str, int]:
    if protocol == socket.IPPROTO_ICMP:
        return ICMP, 0
    first, second = struct.unpack("!HH", segment[:4])
    if protocol == socket.IPPROTO_TCP and ends.serve in (first, second):
        return SERVE, 0
    if protocol == socket.IPPROTO_UDP and second in (ends.tunnel, ends.wireguard):
        payload = segment[8:]
        if not any(payload):
            return ZEROS, 0
        if second == ends.tunnel:
            return TUNNEL, int.from_bytes(payload[4:7], "big")
        # Each message of WireGuard begins with its type, in four bytes.
        encrypted = first == second and int.from_bytes(payload[:4], "little") in _WIREGUARD_TYPES
        return WIREGUARD if encrypted else f"not encrypted: {payload[:32].hex()}", 0
    return f"protocol {protocol} from port {first} to port {second}", 0


class Watch:
    """Counts the packets that enter a bridge. ``addresses`` are those behind each of its ports."""

    def __init__(self, switch: int, addresses: Mapping[str, Iterable[str]], ends: Ends) -> None:
        with namespaces.inside(switch):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        self._addresses = {port: frozenset(each) for port, each in addresses.items()}
        self._ends = ends
        self._lock = threading.Lock()
        self._seen: dict[Kind, int] = {}
        self._last: dict[Kind, float] = {}
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            ready, _, _ = select.select([self._socket.fileno(), self._stop], [], [])
            if self._stop in ready:
                return
            frame, notes, _, (port, *_) = self._socket.recvmsg(_HEAD, _ROOM_FOR_TIME)
            if port not in self._addresses:
                continue  # The bridge's own device.
            kind = kind_of(port, frame, self._ends)
            with self._lock:
                self._seen[kind] = self._seen.get(kind, 0) + 1
                self._last[kind] = _time_in(notes)

    def seen(self) -> dict[Kind, int]:
        """Return how often each kind of packet was seen."""
        with self._lock:
            return dict(self._seen)

    def last(self, port: str, what: str) -> float:
        """Return when a packet of this kind came last by a port, by the kernel's clock; 0 if none did."""
        with self._lock:
            return max((at for kind, at in self._last.items() if (kind.port, kind.what) == (port, what)), default=0.0)

    def strange(self, permitted: Iterable[str]) -> dict[Kind, int]:
        """Return what should not be there: of other kinds, from an address of another port, or to an unknown one."""
        everybody = frozenset().union(*self._addresses.values())
        wanted = {ARP, NEIGHBOURS, *permitted}

        def proper(kind: Kind) -> bool:
            if kind.what == NEIGHBOURS:
                return True
            known = kind.source in self._addresses[kind.port] and kind.destination in everybody
            return known and kind.what in wanted

        return {kind: count for kind, count in self.seen().items() if not proper(kind)}

    def forget(self, kind: Kind) -> None:
        """Forget a kind of packet that a test has sent."""
        with self._lock:
            del self._seen[kind]

    def lost(self) -> int:
        """Return how many packets the listener was too slow for since the last call."""
        _, dropped = struct.unpack("II", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        return int(dropped)

    def close(self) -> None:
        """Stop listening."""
        os.write(self._stopped, b"x")
        self._thread.join()
        for each in (self._stop, self._stopped):
            os.close(each)
        self._socket.close()


def _time_in(notes: Iterable[tuple[int, int, bytes]]) -> float:
    for _, what, value in notes:
        if what == _SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value)
            return float(seconds + nanoseconds / 1e9)
    raise OSError("the kernel tells no time")
