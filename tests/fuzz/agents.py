"""What the agent and ``serve`` tell each other: neither trusts the other's bytes."""

from __future__ import annotations

import socket

from reading_room.agent.check import check
from reading_room.agent.errors import FrameTooLarge, SpecRefused
from reading_room.agent.frames import FrameReader, FromAgent, FromServer
from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts import reports

FRAME_LIMIT = 65_536


def frames(data: bytes) -> None:
    """Frames from a socket that ends: whole documents in their order, and at last the end or an error."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(data[:FRAME_LIMIT])
    reader = FrameReader(ours, take_descriptors=True, limit=FRAME_LIMIT)
    whole = b""
    try:
        while (document := reader.read()) is not None:
            whole += len(document).to_bytes(4, "big") + document
    except (DocumentError, FrameTooLarge):
        pass
    else:
        assert whole == data
    finally:
        reader.close()
    assert data.startswith(whole)


def spec(data: bytes) -> None:
    """A wish of the server's: refused, or of such a form that it can be written and read again."""
    try:
        wish = decode(FromServer, data)
    except DocumentError as error:
        str(error).encode()
        return
    assert decode(FromServer, encode(wish)) == wish
    try:
        check(wish.body, "local", 0)
    except SpecRefused as error:
        str(error).encode()


def report(data: bytes) -> None:
    """What an agent tells: refused, or read with what cannot be read left out and said; it can be written again."""
    try:
        read, faults = reports.read(data)
    except DocumentError:
        return
    assert decode(FromAgent, encode(read)) == read
    "".join(faults).encode()
