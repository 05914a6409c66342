"""DNS messages (RFC 1035): parsing a packet into its single question, and writing the answer as a packet.

Only the header and the question are read, and a name in a question is never compressed, so the cost of a packet does
not depend on its content.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from reading_room.hosts.front.records import NameRecord

POINTER = 12
"""The type PTR, whose value is a name; the value of any other record here is an address."""
FORMAT_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED = 1, 3, 4
_HEADER = struct.Struct("!HHHHHH")
_KIND_AND_CLASS = struct.Struct("!HH")
_RECORD = struct.Struct("!HHHIH")
_RESPONSE, _RECURSION_AVAILABLE, _RECURSION_DESIRED, _OPCODE = 0x8000, 0x0080, 0x0100, 0x7800
_LABEL_LIMIT, _NAME_LIMIT = 63, 255
_HOST_LABEL = re.compile(rb"[A-Za-z0-9_-]+")
_NAME_OF_QUESTION = 0xC000 | _HEADER.size
"""A pointer to the name in the question, which follows the header."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question of a packet: a name in lower case without its final dot, and a record type.

    ``name`` is empty if the packet's name has a label that no host name has: no such name exists. ``section`` is the
    question as it was sent, which the answer repeats.
    """

    identifier: int
    flags: int
    section: bytes
    name: str
    kind: int


def read(packet: bytes) -> Question | bytes:
    """Return the question of a packet, or the whole answer to a packet without one; empty if there is no answer.

    Answers, and packets shorter than a header, are not answered. An unreadable question gets FORMERR, and anything but
    a standard query NOTIMP.
    """
    if len(packet) < _HEADER.size:
        return b""
    identifier, flags, questions, *_ = _HEADER.unpack_from(packet)
    if flags & _RESPONSE:
        return b""
    if flags & _OPCODE:
        return _refusal(identifier, flags, NOT_IMPLEMENTED)
    labels: list[bytes] = []
    place = _HEADER.size
    end = place + _NAME_LIMIT
    while questions == 1 and place < min(end, len(packet)) and packet[place] <= _LABEL_LIMIT:
        size = packet[place]
        place += 1 + size
        if size:
            labels.append(packet[place - size : place])
        elif place <= end and place + _KIND_AND_CLASS.size <= len(packet):
            kind, _ = _KIND_AND_CLASS.unpack_from(packet, place)
            section = packet[_HEADER.size : place + _KIND_AND_CLASS.size]
            plain = all(map(_HOST_LABEL.fullmatch, labels))
            return Question(identifier, flags, section, b".".join(labels).decode().lower() if plain else "", kind)
        else:
            break
    return _refusal(identifier, flags, FORMAT_ERROR)


def answer(question: Question, records: Sequence[NameRecord] | None) -> bytes:
    """Return the packet that answers a question; ``records`` is ``None`` if no such name exists."""
    flags = _RESPONSE | _RECURSION_AVAILABLE | question.flags & _RECURSION_DESIRED
    code = NO_SUCH_NAME if records is None else 0
    packed = [_packed(record) for record in records or ()]
    header = _HEADER.pack(question.identifier, flags | code, 1, len(packed), 0, 0)
    return b"".join((header, question.section, *packed))


def _packed(record: NameRecord) -> bytes:
    data = _name(record.value) if record.kind == POINTER else socket.inet_aton(record.value)
    return _RECORD.pack(_NAME_OF_QUESTION, record.kind, 1, record.seconds, len(data)) + data


def _name(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.split(".")]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def _refusal(identifier: int, flags: int, code: int) -> bytes:
    kept = flags & (_OPCODE | _RECURSION_DESIRED)
    return _HEADER.pack(identifier, _RESPONSE | _RECURSION_AVAILABLE | kept | code, 0, 0, 0, 0)
