"""Messages between the agent and ``serve``, neither of which trusts the other's bytes."""

from __future__ import annotations

import socket

from reading_room.agent.check import check
from reading_room.agent.errors import FrameTooLarge, SpecRefused
from reading_room.agent.frames import FrameReader, FromAgent, FromServer, read_greeting
from reading_room.agent.lease import LONGEST_SECONDS, HostLease
from reading_room.codec import DocumentError, decode, encode
from reading_room.dataplane.rules.encryption import KEY_BYTES, WireGuardError, raw_key, read_answer
from reading_room.hosts import reports
from reading_room.versions import parse

FRAME_LIMIT = 65_536


def frames(data: bytes) -> None:
    """Frames from a socket that closes: complete documents in order, and then the end or an error."""
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


def greeting(data: bytes) -> None:
    """The first document of either side: refused, or a version and a number that can be logged."""
    try:
        found = read_greeting(data)
    except DocumentError as error:
        str(error).encode()
        return
    assert found.program.isprintable()
    assert found.documents > 0


def spec(data: bytes) -> None:
    """A spec or lease from the server: refused, or decoded to what stays the same when encoded and decoded again."""
    try:
        message = decode(FromServer, data)
    except DocumentError as error:
        str(error).encode()
        return
    assert decode(FromServer, encode(message)) == message
    if message.lease is not None:
        asked, _ = HostLease(epoch=1).request(1, 0.0)
        assert asked.answered(message.lease, 1.0).until <= LONGEST_SECONDS
    if message.body is None:
        return
    try:
        check(message.body, "local", 0)
    except SpecRefused as error:
        str(error).encode()


def report(data: bytes) -> None:
    """A report of an agent of this or a newer version: refused, or read with a fault for each unreadable entry."""
    for newer in (False, True):
        try:
            read, faults = reports.read(data, newer=newer)
        except DocumentError:
            continue
        assert decode(FromAgent, encode(read)) == read
        "".join(faults).encode()


def versions(data: bytes) -> None:
    """The versions of a data folder, which its server owns: refused, or a version and numbers."""
    try:
        found = parse(data)
    except ValueError as error:
        str(error).encode()
        return
    assert found.program.isprintable()
    assert all(kind.isprintable() and number > 0 for kind, number in found.formats.items())


def wireguard_answer(data: bytes) -> None:
    """An answer of wireguard-go: refused without quoting it, or a device with keys of the right length."""
    try:
        found = read_answer(data)
    except WireGuardError as error:
        str(error).encode()
        return
    assert len(found.private) == KEY_BYTES
    for key in found.peers:
        raw_key(key)
