"""The kernel's connection tracking over netlink: dumps that reset the counters, events for ended connections, deletion.

The sum of all counters from resetting dumps and DESTROY events is exact (measured to the packet), because the kernel
reports every count once. This requires events with ``NETLINK_BROADCAST_ERROR`` and ``nf_conntrack_events`` = 1.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator

from reading_room.dataplane.linux.netlink import (
    NETLINK_NETFILTER,
    NetlinkSocket,
    Range,
    Request,
    attribute,
    attributes,
    event_socket,
    messages,
)
from reading_room.dataplane.rules.tracked_flows import Entry, Tuple

SUBSYSTEM = 1 << 8
GET = SUBSYSTEM | 1
DELETE = SUBSYSTEM | 2
GET_AND_ZERO = SUBSYSTEM | 3
GET_STATISTICS = SUBSYSTEM | 5
GROUP_DESTROY = 3
DESTROYED = DELETE
"""A DESTROY event has the type of the delete request."""

TUPLE_ORIGINAL = 1
TUPLE_REPLY = 2
PROTOCOL_STATE = 4
MARK = 8
COUNTERS_ORIGINAL = 9
COUNTERS_REPLY = 10
IDENTITY = 12
TIMESTAMP = 20

ICMP, TCP = 1, 6

SYN_SENT, CLOSE = 1, 8
ONE_CLOSED = (4, 5)
"""FIN_WAIT and CLOSE_WAIT: one side has sent FIN, the one with ``CLOSED_FIRST`` in its flags."""
BOTH_CLOSED = (6, 7)
"""LAST_ACK and TIME_WAIT."""
CLOSED_FIRST = 0x04


def _tuple(buffer: bytes, where: Range) -> Tuple | None:
    """Read one direction; return ``None`` if it is not IPv4."""
    parts = attributes(buffer, *where)
    addresses = attributes(buffer, *parts[1])
    if 1 not in addresses or 2 not in addresses:
        return None
    protocol = attributes(buffer, *parts[2])
    number = buffer[protocol[1][0]] if 1 in protocol else 0
    has_ports = 2 in protocol and 3 in protocol
    return Tuple(
        source=socket.inet_ntoa(buffer[addresses[1][0] : addresses[1][0] + 4]),
        destination=socket.inet_ntoa(buffer[addresses[2][0] : addresses[2][0] + 4]),
        protocol=number,
        source_port=struct.unpack_from("!H", buffer, protocol[2][0])[0] if has_ports else 0,
        destination_port=struct.unpack_from("!H", buffer, protocol[3][0])[0] if has_ports else 0,
    )


def _counters(buffer: bytes, where: Range | None) -> tuple[int, int]:
    """Read packets and bytes."""
    if where is None:
        return 0, 0
    parts = attributes(buffer, *where)
    return (
        struct.unpack_from("!Q", buffer, parts[1][0])[0],
        struct.unpack_from("!Q", buffer, parts[2][0])[0],
    )


def _tcp(buffer: bytes, where: Range | None) -> tuple[int, bool, bool]:
    """Read a TCP connection's state, and whether the original side and the reply side have sent FIN."""
    protocol = attributes(buffer, *where) if where is not None else {}
    if 1 not in protocol:
        return 0, False, False
    parts = attributes(buffer, *protocol[1])
    state = buffer[parts[1][0]] if 1 in parts else 0
    if state in BOTH_CLOSED:
        return state, True, True
    if state not in ONE_CLOSED or 4 not in parts:
        return state, False, False
    original_first = bool(buffer[parts[4][0]] & CLOSED_FIRST)
    return state, original_first, not original_first


def entry(buffer: bytes, start: int, end: int) -> Entry | None:
    """Read an entry from a message body; return ``None`` if it is not IPv4."""
    found = attributes(buffer, start + 4, end)
    if TUPLE_ORIGINAL not in found or TUPLE_REPLY not in found:
        return None
    original = _tuple(buffer, found[TUPLE_ORIGINAL])
    reply = _tuple(buffer, found[TUPLE_REPLY])
    if original is None or reply is None:
        return None
    packets, size = _counters(buffer, found.get(COUNTERS_ORIGINAL))
    reply_packets, reply_size = _counters(buffer, found.get(COUNTERS_REPLY))
    began = ended = 0.0
    if TIMESTAMP in found:
        times = attributes(buffer, *found[TIMESTAMP])
        if 1 in times:
            began = struct.unpack_from("!Q", buffer, times[1][0])[0] / 1e9
        if 2 in times:
            ended = struct.unpack_from("!Q", buffer, times[2][0])[0] / 1e9
    first, last = found[TUPLE_ORIGINAL]
    key = attribute(TUPLE_ORIGINAL | 0x8000, buffer[first:last])
    if IDENTITY in found:
        first, last = found[IDENTITY]
        key += attribute(IDENTITY, buffer[first:last])
    state, closed, reply_closed = _tcp(buffer, found.get(PROTOCOL_STATE))
    mark = struct.unpack_from("!I", buffer, found[MARK][0])[0] if MARK in found else 0
    return Entry(
        original, reply, packets, size, reply_packets, reply_size, began, ended, key, state, closed, reply_closed, mark
    )


class Conntrack:
    """The connections of one network namespace. Create it while the thread is inside the namespace."""

    HEADER = struct.pack("=BBH", socket.AF_INET, 0, 0)

    def __init__(self) -> None:
        """Open the request socket."""
        self._netlink = NetlinkSocket(NETLINK_NETFILTER)

    def close(self) -> None:
        """Close the socket. Closing twice is allowed."""
        self._netlink.close()

    def count(self) -> int:
        """Return the number of entries. It is far cheaper than a dump, which walks the whole machine's table."""
        kind, body = self._netlink.ask(Request(GET_STATISTICS, 0, struct.pack("=BBH", 0, 0, 0), "count connections"))
        found = attributes(body, 4, len(body))
        if kind != SUBSYSTEM | GET_STATISTICS & 0xFF or 1 not in found:
            raise OSError(errno.EPROTO, "the kernel did not say how many connections it tracks")
        number: int = struct.unpack_from("!I", body, found[1][0])[0]
        return number

    def entries(self, *, zero: bool) -> Iterator[Entry]:
        """Dump IPv4 entries. With ``zero`` their counters restart at zero, so the caller must keep what it reads."""
        kind = GET_AND_ZERO if zero else GET
        for buffer, start, end in self._netlink.dump(Request(kind, 0, self.HEADER, "read tracked connections")):
            found = entry(buffer, start, end)
            if found is not None:
                yield found

    def delete(self, entries: list[Entry]) -> None:
        """Delete entries; each produces a DESTROY event with its last counters. Some may be gone already."""
        self._netlink.batch(
            [
                Request(DELETE, 0, self.HEADER + one.key, "forget a tracked connection", (errno.ENOENT,))
                for one in entries
            ]
        )


def destroy_events(receive: int) -> socket.socket:
    """Open a socket with a reliable event for every connection's end. Call it inside the namespace."""
    return event_socket(NETLINK_NETFILTER, (GROUP_DESTROY,), reliable=True, receive=receive)


def read_destroyed(events: socket.socket) -> Iterator[Entry]:
    """Yield every ended connection that waits on the socket; return when there are no more."""
    while True:
        try:
            buffer = events.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.ENOBUFS:  # The kernel keeps events that did not fit and delivers them later.
                continue
            raise
        for kind, _sequence, start, end in messages(buffer):
            if kind == DESTROYED:
                found = entry(buffer, start, end)
                if found is not None:
                    yield found
