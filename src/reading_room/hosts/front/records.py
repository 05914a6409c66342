"""What travels between a front and the server, as typed records: what a VPC asks, and what it is answered.

A front has one channel, made by the agent, and on it the VPC is a fact. Each HTTP request goes over a lane, a socket of
its own that the front makes and sends along: its head as a record, bodies as bytes (``lane.py``). The server believes
no record more than the listeners of that VPC justify (``check_head``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reading_room.codec import DocumentError

MESSAGE_LIMIT = 131_072
"""Bytes of one message on the channel."""
HEAD_LIMIT = 262_144
"""Bytes of a head as a record: quoting makes it longer than it came."""
NAME_LIMIT = 255
TEXT_LIMIT = 1_000
HEADERS = 1_000
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LATIN_1 = re.compile(r"[\x00-\xff]*")
_ABSENT_FROM_VALUES = re.compile(r"[\x00\r\n]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question for a name (lower case, no final dot) and a type of records, from an address of the VPC."""

    number: int
    name: str
    kind: int


@dataclass(frozen=True, slots=True)
class NameRecord:
    """A record of a name: its type, how many seconds it may be kept, and an address or a name."""

    kind: int
    seconds: int
    value: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the question of that number: ``None`` where no such name exists; ``silent``, no answer at all."""

    number: int
    records: tuple[NameRecord, ...] | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class CertificateWanted:
    """The front has a listener for HTTPS, of an endpoint or at a public address, and no certificate for it."""

    endpoint_id: str | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, in PEM, for the listeners of an endpoint."""

    endpoint_id: str | None
    pem: str


@dataclass(frozen=True, slots=True)
class LaneOpened:
    """A lane for requests; its descriptor comes along."""


@dataclass(frozen=True, slots=True)
class Told:
    """A line for the server's log."""

    text: str


@dataclass(frozen=True, slots=True)
class FromFront:
    """What a front sends on its channel."""

    body: Asked | CertificateWanted | LaneOpened | Told


@dataclass(frozen=True, slots=True)
class FromServer:
    """What the server sends on the channel of a front."""

    body: Answered | Certificate


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request, by the listener that it came to (``kind``, ``address``, ``port``) and from whom.

    ``path`` and ``query`` are as they were sent. ``headers`` are names, in lower case, and values in turn, in Latin-1.
    ``tls`` is the version by its number in the protocol. ``body`` says whether one follows, ``waits`` whether some of
    it has not arrived, ``expects`` whether the client waits to be asked for it.
    """

    kind: Literal["credentials", "endpoint-http", "endpoint-https"]
    address: str
    port: int
    client: str
    client_port: int
    method: str
    path: str
    query: str
    headers: tuple[str, ...]
    version: Literal["1.0", "1.1"] = "1.1"
    tls: int | None = None
    body: bool = False
    waits: bool = False
    expects: bool = False


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """The head of an answer: its status, and headers as in ``Head``."""

    status: int
    headers: tuple[str, ...]


def headers_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """Return headers as records have them."""
    return tuple([text.decode("latin-1") for header in headers for text in header])


def raw_headers(headers: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them."""
    raw = [text.encode("latin-1") for text in headers]
    return list(zip(raw[::2], raw[1::2], strict=True))


def check_head(head: Head) -> None:
    """Refuse a head that no parser of HTTP would have made. Raises ``DocumentError``."""
    try:
        ipaddress.IPv4Address(head.client)
    except ValueError:
        raise DocumentError("a request is not from an address") from None
    if not _METHOD.fullmatch(head.method):
        raise DocumentError("a request has no method")
    for text in (head.path, head.query):
        if not text.isascii() or _ABSENT_FROM_VALUES.search(text):
            raise DocumentError("a request has no target")
    check_headers(head.headers)


def check_headers(headers: tuple[str, ...]) -> None:
    """Refuse what are no headers, name and value in turn. Raises ``DocumentError``."""
    if len(headers) % 2 or len(headers) > 2 * HEADERS:
        raise DocumentError("a request has too many headers, or a name without a value")
    names, values = headers[::2], "".join(headers[1::2])
    if names and (not all(names) or not _HEADER_NAME.fullmatch("".join(names))):
        raise DocumentError("a request has a header without a name")
    if _ABSENT_FROM_VALUES.search(values) or not _LATIN_1.fullmatch(values):
        raise DocumentError("a request has a header that is more than a line")


def check_asked(asked: Asked) -> None:
    """Refuse a question that no packet holds. Raises ``DocumentError``."""
    if len(asked.name) > NAME_LIMIT or not asked.name.isascii() or not 0 <= asked.kind < 1 << 16:
        raise DocumentError("a question is none")
