"""Messages between fronts and ``serve``: the sender of the last packet may have taken over the front."""

from __future__ import annotations

from reading_room.agent.public_listeners import FromServe, Started
from reading_room.codec import DocumentError, decode, encode
from reading_room.hosts.front.lane import PIECE_LIMIT, Lane
from reading_room.hosts.front.records import (
    HEAD_LIMIT,
    Asked,
    FromFront,
    FromServer,
    check_query,
    in_pairs,
    read_head,
    read_reply,
    write_head,
    write_reply,
)


def front_head(data: bytes) -> None:
    """The head of a request: refused, or a head without hidden further lines."""
    try:
        head = read_head(data)
    except DocumentError as error:
        str(error).encode()
        return
    texts = "".join((head.method, head.path, head.query)).encode() + b"".join(head.headers)
    assert not set(texts) & set(b"\r\n\0")
    in_pairs(head.headers)
    assert read_head(write_head(head)) == head


def front_reply(data: bytes) -> None:
    """The head of an answer: refused, or one that can be written again."""
    try:
        status, headers = read_reply(data)
    except DocumentError as error:
        str(error).encode()
        return
    assert read_reply(write_reply(status, headers)) == (status, headers)


def front_channel(data: bytes) -> None:
    """A message on a channel, in either direction."""
    try:
        answer = decode(FromServer, data)
        assert decode(FromServer, encode(answer)) == answer
    except DocumentError:
        pass
    try:
        message = decode(FromFront, data)
        assert decode(FromFront, encode(message)) == message
        if isinstance(message.body, Asked):
            check_query(message.body)
    except DocumentError as error:
        str(error).encode()


def public_fronts(data: bytes) -> None:
    """What ``serve`` and the agent tell each other about fronts, in either direction."""
    for kind in (FromServe, Started):
        try:
            document = decode(kind, data)
            assert decode(kind, encode(document)) == document
        except DocumentError as error:
            str(error).encode()


def lane(data: bytes) -> None:
    """Bytes of a lane, cut into any pieces: the same frames, none too long, or the end of the lane."""
    size = 1 + len(data) % 7
    whole, pieces = _frames(data, len(data) or 1), _frames(data, size)
    assert whole == pieces
    if whole is not None:
        assert (
            b"".join(kind + len(content).to_bytes(4, "big") + content for kind, content in whole)
            == data[: _length(whole)]
        )


def _length(frames: list[tuple[bytes, bytes]]) -> int:
    return sum(5 + len(content) for _, content in frames)


def _frames(data: bytes, size: int) -> list[tuple[bytes, bytes]] | None:
    """Feed pieces of ``size`` bytes to a lane; return its frames, or ``None`` if it ended."""
    reading = Lane()
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        while piece:
            room = reading.get_buffer(-1)
            count = min(len(room), len(piece))
            room[:count] = piece[:count]
            room.release()
            reading.buffer_updated(count)
            piece = piece[count:]
        if reading.over:
            return None
    frames = list(reading._frames)
    assert all(len(content) <= max(PIECE_LIMIT, HEAD_LIMIT) for _, content in frames)
    return frames
