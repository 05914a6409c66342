"""The first documents between a link and ``serve``: anybody who reaches the port can send one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts.link import documents
from reading_room.hosts.link.documents import Answer, FrontOpened, LeaderElsewhere
from reading_room.hosts.link.streams import Documents
from tests.fuzz import assert_printable

LIMIT = 256


def link_document(data: bytes) -> None:
    """A document of either side: refused, or the same when written and read again, with texts that can be logged."""
    opening = _read(documents.read_opening, data)
    if opening is not None:
        assert documents.read_opening(encode(opening)) == opening
        if isinstance(opening.purpose, FrontOpened):
            assert_printable(opening.purpose.vpc_id)
    taken = _read(documents.read_taken, data)
    if taken is not None:
        assert documents.read_taken(encode(taken)) == taken
        assert_printable(taken.vpc_id)
    answer = _read(documents.read_answer, data)
    if answer is not None:
        assert decode(Answer, encode(Answer(answer))).body == answer
        if isinstance(answer, LeaderElsewhere):
            assert_printable(answer.place)
            host, port = documents.parse_place(answer.place)
            assert host
            assert 0 < port < 65_536
    for place in _read(documents.read_places, data) or ():
        assert_printable(place)
        assert documents.parse_place(place)[0]


def link_stream(data: bytes) -> None:
    """Bytes of a connection, cut into any pieces: the same documents, none too long, and then the end or an error."""
    whole, pieces = _documents(data, len(data) or 1), _documents(data, 1 + len(data) % 7)
    assert whole == pieces
    found, ended_well = whole
    content = b"".join(len(each).to_bytes(4, "big") + each for each in found)
    assert all(len(each) <= LIMIT for each in found)
    assert content == data if ended_well else data.startswith(content)


class _Transport(asyncio.Transport):
    """A transport that sends nothing."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def _documents(data: bytes, size: int) -> tuple[list[bytes], bool]:
    """Return the documents in pieces of ``size`` bytes, and whether the end came after the last one."""
    connection = Documents(LIMIT)
    connection.connection_made(_Transport())
    for start in range(0, len(data), size):
        connection.data_received(data[start : start + size])
    connection.connection_lost(None)
    found = []
    try:
        while (document := _finished(connection.next())) is not None:
            found.append(document)
    except DocumentError:
        return found, False
    return found, True


def _finished(work: Any) -> Any:
    """Return the result of a coroutine that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits after the end of the connection")


def _read(read: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return read(data)
    except DocumentError as error:
        str(error).encode()
        return None
