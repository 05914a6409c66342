"""The head of an answer and the first bytes of its body leave in one write."""

from __future__ import annotations

import asyncio
from typing import Any

from reading_room.hosts.joined_writes import MOST, JoinedWrites

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Recorded(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.writes.append(b"closed")


def test_the_head_leaves_with_the_first_piece_and_further_pieces_as_they_come() -> None:
    transport = Recorded()
    joined = JoinedWrites(transport)
    joined.write(HEAD)
    assert transport.writes == []
    joined.write(b"one")
    joined.write(b"two")
    assert transport.writes == [HEAD + b"one", b"two"]


def test_a_large_piece_is_not_copied_behind_the_head() -> None:
    transport, piece = Recorded(), bytes(MOST + 1)
    joined = JoinedWrites(transport)
    joined.write(HEAD)
    joined.write(piece)
    assert transport.writes == [HEAD, piece]


def test_a_head_without_a_body_leaves_at_the_end_of_the_answer_or_of_the_connection() -> None:
    for end in ("answer", "connection"):
        transport = Recorded()
        joined = JoinedWrites(transport)
        joined.write(HEAD)
        (joined.before(lambda: None) if end == "answer" else joined.close)()
        assert transport.writes[0] == HEAD
        joined.flush()
        assert transport.writes.count(HEAD) == 1


def test_100_continue_is_no_head() -> None:
    transport, interim = Recorded(), b"HTTP/1.1 100 Continue\r\n\r\n"
    joined = JoinedWrites(transport)
    joined.write(interim)
    joined.write(HEAD)
    joined.write(b"")
    assert transport.writes == [interim, HEAD]
