"""The messages between the agent and the server: documents in frames, and descriptors sent with them.

A frame is four bytes of length (big-endian) and that many bytes of JSON. Descriptors are sent with the first byte of
the frame that describes them. Only the agent sends descriptors. The first document of each side is its ``Greeting``.
"""

from __future__ import annotations

import array
import os
import re
import socket
import stat
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reading_room.agent.errors import FrameTooLarge
from reading_room.agent.spec import HostReport, HostSpec
from reading_room.codec import DocumentError, decode, later
from reading_room.dataplane.spec import FlowEvent, ListenerLabel
from reading_room.versions import DOCUMENTS, VERSION, VERSION_PATTERN

FRAME_LIMIT = 64 << 20
DESCRIPTORS_PER_FRAME = 200
"""The kernel allows at most 253 in one message."""
HEADER = 4


@dataclass(frozen=True, slots=True)
class Greeting:
    """The version of a side's program, and the number of the form of its documents (``versions.DOCUMENTS``)."""

    program: str = VERSION
    documents: int = DOCUMENTS
    fence: int = later(0)
    """Of ``serve``: the fence of its lease as the leader, which is higher than that of every former leader."""

    @property
    def newer(self) -> bool:
        """Whether that side may write what this one does not know."""
        return self.documents > DOCUMENTS


def read_greeting(document: bytes) -> Greeting:
    """Read the greeting of a program of any version. Raises ``DocumentError``."""
    return checked(decode(Greeting, document, newer=True))


def checked(greeting: Greeting) -> Greeting:
    """Return a greeting that was read leniently, if its values are possible. Raises ``DocumentError``."""
    if not re.fullmatch(VERSION_PATTERN, greeting.program) or not 0 < greeting.documents < 1 << 31:
        raise DocumentError("its greeting names no version")
    if not 0 <= greeting.fence < 1 << 63:
        raise DocumentError(f"its greeting has the fence {greeting.fence}, which is none")
    return greeting


@dataclass(frozen=True, slots=True)
class Listeners:
    """Every listener that exists."""

    labels: tuple[ListenerLabel, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """A front serves the listeners of a VPC. It comes with one descriptor: the server's end of the channel to it."""

    vpc_id: str


@dataclass(frozen=True, slots=True)
class Realtime:
    """A realtime container has started. It comes with one descriptor: the server's end of its socket."""

    container_id: str


@dataclass(frozen=True, slots=True)
class Flows:
    """Flow events, sent before the report of the same turn."""

    events: tuple[FlowEvent, ...]


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """A request for a lease, or for more time, of a host that shares VPCs with others."""

    renewal: int
    """The number of the request, which the answer repeats. A later request has a higher one."""
    epoch: int
    """The epoch of the host as far as it knows; 0 at first."""
    held: bool
    """Whether it holds a lease of that epoch. If not, none of its containers runs, and it asks for the next one."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The answer to a ``LeaseRequest``."""

    renewal: int
    """The number of the request."""
    seconds: int
    """How long the lease lasts from the moment at which the request was sent; 0 if there is no lease."""
    epoch: int
    """The epoch of the host. A lease of an earlier one has ended."""


@dataclass(frozen=True, slots=True)
class FromServer:
    """What the server sends: the whole spec, or a lease."""

    body: HostSpec | None
    kind: Literal["spec", "lease"] = "spec"
    lease: Lease | None = later(None)


@dataclass(frozen=True, slots=True)
class FromAgent:
    """What the agent sends: one of six documents."""

    body: HostReport | Listeners | Front | Realtime | Flows | LeaseRequest


def framed(document: bytes) -> bytes:
    """Return a document as a frame. Raises ``FrameTooLarge``."""
    if len(document) > FRAME_LIMIT:
        raise FrameTooLarge(len(document), FRAME_LIMIT)
    return len(document).to_bytes(HEADER, "big") + document


def send_frame(connection: socket.socket, document: bytes, descriptors: Sequence[int] = ()) -> None:
    """Send one frame; blocks while the other side does not read. Raises ``OSError`` and ``FrameTooLarge``."""
    content = memoryview(framed(document))
    sent = 0
    if descriptors:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))
        sent = connection.sendmsg([content], [rights])
    connection.sendall(content[sent:])


@dataclass(slots=True)
class FrameReader:
    """Reads frames from a blocking socket. The caller of ``take`` owns the descriptor that it takes."""

    connection: socket.socket
    take_descriptors: bool
    limit: int = FRAME_LIMIT
    descriptors: deque[int] = field(default_factory=deque)

    def read(self) -> bytes | None:
        """Return the next document; ``None`` at the end. Raises ``OSError`` and ``DocumentError``."""
        header = self._exactly(HEADER)
        if header is None:
            return None
        size = int.from_bytes(header, "big")
        if size > self.limit:
            raise FrameTooLarge(size, self.limit)
        document = self._exactly(size)
        if document is None:
            raise DocumentError("the connection ended within a document")
        return document

    def take(self) -> socket.socket:
        """Return the next socket that was sent. Raises ``DocumentError`` if none was, or if it is not a socket."""
        if not self.descriptors:
            raise DocumentError("a document names a descriptor that was not sent with it")
        descriptor = self.descriptors.popleft()
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise DocumentError("a descriptor that should be a socket is not one")
        return socket.socket(fileno=descriptor)

    def drop(self) -> None:
        """Close the descriptors that were not taken, as those of a document that is left out."""
        while self.descriptors:
            os.close(self.descriptors.popleft())

    def close(self) -> None:
        """Close the connection and the descriptors that were not taken."""
        self.connection.close()
        self.drop()

    def _exactly(self, size: int) -> bytes | None:
        content = bytearray(size)
        view = memoryview(content)
        got = 0
        while got < size:
            count = self._receive(view[got:])
            if count == 0:
                if got:
                    raise DocumentError("the connection ended within a document")
                return None
            got += count
        return bytes(content)

    def _receive(self, view: memoryview) -> int:
        if not self.take_descriptors:
            # Without a buffer for them, the kernel drops descriptors that the other side sends.
            return self.connection.recv_into(view)
        room = socket.CMSG_SPACE(DESCRIPTORS_PER_FRAME * array.array("i").itemsize)
        count, controls, flags, _ = self.connection.recvmsg_into([view], room, socket.MSG_CMSG_CLOEXEC)
        for level, kind, data in controls:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
                self.descriptors.extend(numbers)
        if flags & socket.MSG_CTRUNC:
            raise DocumentError("descriptors were lost: this process cannot open so many files")
        return count


def short_path(path: Path) -> tuple[int, str]:
    """Return an open descriptor of the socket's folder and a name for the socket that fits the kernel's 107 bytes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return folder, f"/proc/self/fd/{folder}/{path.name}"


def connected(path: Path, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Return a connection to a socket of the agent at a path. Raises ``OSError``."""
    connection = socket.socket(socket.AF_UNIX, kind | socket.SOCK_CLOEXEC)
    try:
        folder, name = short_path(path)
        try:
            connection.connect(name)
        finally:
            os.close(folder)
    except OSError:
        connection.close()
        raise
    return connection
