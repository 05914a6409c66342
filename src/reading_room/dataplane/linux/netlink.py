"""Raw netlink: messages are built and read with ``struct``, and many requests go out in one send.

A socket stays in the network namespace of the thread that opened it. The kernel executes the requests of a batch in
order and answers each. The first refused request raises ``NetlinkError`` with the caller's description of it. The
numbers are those of the kernel's public headers (``rtnetlink.h``, ``if_link.h``, ``fib_rules.h``).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

RECEIVE_BUFFER_FORCE = 33
SOL_NETLINK = 270
ADD_MEMBERSHIP = 1
BROADCAST_ERROR = 4
NO_ENOBUFS = 5

NETLINK_ROUTE = 0
NETLINK_SOCK_DIAG = 4
NETLINK_NETFILTER = 12

ERROR = 2
DONE = 3
F_REQUEST = 1
F_ACK = 4
F_DUMP = 0x300
F_REPLACE = 0x100
F_EXCL = 0x200
F_CREATE = 0x400

Range = tuple[int, int]
"""The start and end of a value in a buffer."""


class NetlinkError(OSError):
    """The kernel refused a request; ``strerror`` says which request and why."""

    def __init__(self, number: int, action: str) -> None:
        """Describe the request in words (``create link rr…``) in addition to the kernel's error."""
        self.action = action
        super().__init__(number, f"{action}: {os.strerror(number)}")


@dataclass(frozen=True, slots=True)
class Request:
    """One netlink message without its header; ``tolerated`` are error numbers that mean nothing is left to do."""

    kind: int
    flags: int
    body: bytes
    action: str
    tolerated: tuple[int, ...] = ()


def attribute(kind: int, value: bytes) -> bytes:
    """Encode one attribute with its padding."""
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + b"\0" * (-length % 4)


def text_attribute(kind: int, value: str) -> bytes:
    """Encode zero-terminated text."""
    return attribute(kind, value.encode() + b"\0")


def number_attribute(kind: int, value: int) -> bytes:
    """Encode an unsigned 32-bit number in native byte order."""
    return attribute(kind, struct.pack("=I", value))


def attributes(buffer: bytes, start: int, end: int) -> dict[int, Range]:
    """Map attribute numbers, without flags, to the ranges of their values."""
    found: dict[int, Range] = {}
    while start + 4 <= end:
        length, kind = struct.unpack_from("=HH", buffer, start)
        if length < 4:
            break
        found[kind & 0x3FFF] = (start + 4, start + length)
        start += (length + 3) & ~3
    return found


def messages(buffer: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield the type, the sequence number, and the start and end of the body of each message in a received buffer."""
    offset = 0
    while offset + 16 <= len(buffer):
        length, kind, _flags, sequence, _port = struct.unpack_from("=IHHII", buffer, offset)
        if length < 16:
            return
        yield kind, sequence, offset + 16, offset + length
        offset += (length + 3) & ~3


def frame(request: Request, sequence: int) -> bytes:
    """Return a request with its header, padded so that frames can be joined."""
    length = 16 + len(request.body)
    header = struct.pack("=IHHII", length, request.kind, request.flags | F_REQUEST, sequence, 0)
    return header + request.body + b"\0" * (-length % 4)


class NetlinkSocket:
    """A netlink socket for requests, bound to the namespace of the thread that opened it."""

    RECEIVE = 1 << 18
    BATCH_BYTES = 64_000
    """Far below every default of ``net.core.wmem_max``, which limits a single send in a user namespace."""

    def __init__(self, protocol: int, *, timeout: float = 10.0) -> None:
        """Open the socket. ``timeout``, in seconds, guards against a kernel that never answers."""
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self.socket.bind((0, 0))
        self.socket.settimeout(timeout)
        self._sequence = 0

    def close(self) -> None:
        """Close the socket. Closing twice is allowed."""
        self.socket.close()

    def batch(self, requests: Sequence[Request]) -> None:
        """Send all requests with as few sends as possible, and check each answer; raise the first ``NetlinkError``."""
        position = 0
        while position < len(requests):
            frames: list[bytes] = []
            waiting: dict[int, Request] = {}
            size = 0
            while position < len(requests) and (not frames or size < self.BATCH_BYTES) and len(frames) < 100:
                request = requests[position]
                self._sequence += 1
                data = frame(Request(request.kind, request.flags | F_ACK, request.body, request.action), self._sequence)
                frames.append(data)
                waiting[self._sequence] = request
                size += len(data)
                position += 1
            self.socket.send(b"".join(frames))
            self._collect(waiting)

    def _collect(self, waiting: dict[int, Request]) -> None:
        """Read answers until every request of a send is answered."""
        failure: NetlinkError | None = None
        while waiting:
            buffer = self.socket.recv(self.RECEIVE)
            for kind, sequence, start, _end in messages(buffer):
                if kind != ERROR or sequence not in waiting:
                    continue
                request = waiting.pop(sequence)
                number = -struct.unpack_from("=i", buffer, start)[0]
                if number and number not in request.tolerated and failure is None:
                    failure = NetlinkError(number, request.action)
        if failure is not None:
            raise failure

    def ask(self, request: Request) -> tuple[int, bytes]:
        """Send one request with a single message as its answer; return that message's type and body."""
        self._sequence += 1
        self.socket.send(frame(request, self._sequence))
        while True:
            buffer = self.socket.recv(self.RECEIVE)
            for kind, sequence, start, end in messages(buffer):
                if sequence != self._sequence:
                    continue
                if kind == ERROR:
                    number = -struct.unpack_from("=i", buffer, start)[0]
                    raise NetlinkError(number or errno.EPROTO, request.action)
                return kind, buffer[start:end]

    def dump(self, request: Request) -> Iterator[tuple[bytes, int, int]]:
        """Send a dump request; yield buffer, start and end of each answer's body. The caller must exhaust it."""
        self._sequence += 1
        sent = self._sequence
        request = Request(request.kind, request.flags | F_DUMP, request.body, request.action)
        self.socket.send(frame(request, sent))
        while True:
            buffer = self.socket.recv(self.RECEIVE)
            for kind, sequence, start, end in messages(buffer):
                if sequence != sent:
                    continue
                if kind == DONE:
                    return
                if kind == ERROR:
                    raise NetlinkError(-struct.unpack_from("=i", buffer, start)[0], request.action)
                yield buffer, start, end


def event_socket(protocol: int, groups: Sequence[int], *, reliable: bool = False, receive: int = 0) -> socket.socket:
    """Open a non-blocking socket that receives the events of some groups.

    With ``reliable`` the kernel keeps an event that did not fit and delivers it later (conntrack's DESTROY). Reading
    may still raise ENOBUFS then, but nothing is lost. ``receive`` is the wanted size of the receive buffer in bytes,
    within the host's limit.
    """
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
    try:
        opened.bind((0, 0))
        if receive:
            try:
                opened.setsockopt(socket.SOL_SOCKET, RECEIVE_BUFFER_FORCE, receive)
            except PermissionError:  # Only the host's root may exceed the limit.
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        if reliable:
            opened.setsockopt(SOL_NETLINK, BROADCAST_ERROR, 1)
        for group in groups:
            opened.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
    except OSError:
        opened.close()
        raise
    return opened
