"""Packets that the rules log, read over netlink (NFLOG): the rule's prefix and the beginning of the packet."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.dataplane.linux.netlink import NETLINK_NETFILTER, attribute, attributes, event_socket, messages

SUBSYSTEM = 4 << 8
PACKET = SUBSYSTEM
CONFIGURE = SUBSYSTEM | 1
MARK = 2
TIMESTAMP = 3
INPUT_DEVICE = 4
PAYLOAD = 9
PREFIX = 10

COPY_BYTES = 64
"""Enough for an IPv4 header with 40 bytes of options, and the ports."""
BATCH = 64
TIMEOUT_HUNDREDTHS = 2
"""How long the kernel may gather packets into one message, in 1/100 s."""
BUFFER_BYTES = 1 << 15
WITH_PORTS = frozenset({6, 17, 132, 136})
TCP = 6


@dataclass(frozen=True, slots=True)
class LoggedPacket:
    """A logged packet: the rule's prefix and the fields of its headers. ``bytes`` is the length of the whole packet."""

    prefix: str
    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int
    tcp_flags: int
    bytes: int
    time: float | None
    """Seconds since 1970, if the kernel stamped the packet."""
    device: int
    """Index of the link that it came in by, or 0."""
    mark: int = 0
    """The mark of the sender's route table, or of the interface that a route led it to."""


def open_group(group: int, receive: int) -> socket.socket:
    """Return a non-blocking socket, bound to an NFLOG group of the calling thread's namespace.

    Raises ``OSError`` with EBUSY if another process has the group.
    """
    opened = event_socket(NETLINK_NETFILTER, (), receive=receive)
    opened.settimeout(5.0)

    def configure(body: bytes) -> None:
        message = struct.pack("=BBH", 0, 0, socket.htons(group)) + body
        opened.send(struct.pack("=IHHII", 16 + len(message), CONFIGURE, 5, 1, 0) + message)
        while True:
            buffer = opened.recv(1 << 16)
            for kind, _sequence, start, _end in messages(buffer):
                if kind == 2:
                    number = -struct.unpack_from("=i", buffer, start)[0]
                    if number:
                        raise OSError(number, f"listen to logged packets, group {group}: {os.strerror(number)}")
                    return

    try:
        configure(attribute(1, b"\x01"))
        configure(attribute(2, struct.pack("!IBB", COPY_BYTES, 2, 0)))
        configure(attribute(3, struct.pack("!I", BUFFER_BYTES)))
        configure(attribute(5, struct.pack("!I", BATCH)))
        configure(attribute(4, struct.pack("!I", TIMEOUT_HUNDREDTHS)))
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def packet(buffer: bytes, start: int, end: int) -> LoggedPacket | None:
    """Read a logged packet from a message body; return ``None`` if it is not IPv4."""
    found = attributes(buffer, start + 4, end)
    if PAYLOAD not in found:
        return None
    at, stop = found[PAYLOAD]
    if stop - at < 20 or buffer[at] >> 4 != 4:
        return None
    header = (buffer[at] & 15) * 4
    protocol = buffer[at + 9]
    first_fragment = struct.unpack_from("!H", buffer, at + 6)[0] & 0x1FFF == 0
    source_port = destination_port = flags = 0
    if first_fragment and protocol in WITH_PORTS and stop - at >= header + 4:
        source_port, destination_port = struct.unpack_from("!HH", buffer, at + header)
    if first_fragment and protocol == TCP and stop - at >= header + 14:
        flags = buffer[at + header + 13] & 0x3F
    stamp = None
    if TIMESTAMP in found:
        seconds, micros = struct.unpack_from("!QQ", buffer, found[TIMESTAMP][0])
        stamp = seconds + micros / 1e6
    device = struct.unpack_from("!I", buffer, found[INPUT_DEVICE][0])[0] if INPUT_DEVICE in found else 0
    prefix = ""
    if PREFIX in found:
        prefix = buffer[found[PREFIX][0] : found[PREFIX][1]].rstrip(b"\0").decode("ascii", "replace")
    return LoggedPacket(
        prefix=prefix,
        source=socket.inet_ntoa(buffer[at + 12 : at + 16]),
        destination=socket.inet_ntoa(buffer[at + 16 : at + 20]),
        protocol=protocol,
        source_port=source_port,
        destination_port=destination_port,
        tcp_flags=flags,
        bytes=struct.unpack_from("!H", buffer, at + 2)[0],
        time=stamp,
        device=device,
        mark=struct.unpack_from("!I", buffer, found[MARK][0])[0] if MARK in found else 0,
    )


class LostPacketsError(Exception):
    """The kernel dropped logged packets because they were not read in time."""


def read_packets(opened: socket.socket) -> Iterator[LoggedPacket]:
    """Yield every packet that waits on the socket; raise ``LostPacketsError`` if the kernel lost some."""
    while True:
        try:
            buffer = opened.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                raise LostPacketsError from error
            raise
        for kind, _sequence, start, end in messages(buffer):
            if kind == PACKET:
                found = packet(buffer, start, end)
                if found is not None:
                    yield found


def waiting_in_kernel() -> int:
    """Return the number of packets that the kernel still gathers for the calling thread's namespace.

    ``/proc/thread-self/net/netfilter/nfnetlink_log`` has one line per group; its third column is that number.
    """
    with open("/proc/thread-self/net/netfilter/nfnetlink_log", encoding="ascii") as lines:
        return sum(int(line.split()[2]) for line in lines if line.strip())
