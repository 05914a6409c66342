"""The typed records between a front and the server: queries and requests, and their answers.

A front has one channel, which the agent makes for one VPC, or for one listen address outside of them, so that is
certain. Each HTTP request goes over a lane, a
separate socket that the front makes and sends along: its head as a record, bodies as bytes (``lane.py``). The server
trusts a record only as far as the listeners of that channel justify (``check_head``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reading_room.codec import DocumentError

MESSAGE_LIMIT = 131_072
"""The most bytes of one message on the channel."""
MESSAGES_A_TURN = 32
"""The most messages of one front that are read before others have their turn."""
LANES = 1_000
"""The most lanes of one front at a time; more are closed at once."""
HEAD_LIMIT = 262_144
"""The most bytes of a head as a record: quoting makes it longer than the client sent it."""
NAME_LIMIT = 255
TEXT_LIMIT = 1_000
HEADERS = 1_000
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LATIN_1 = re.compile(r"[\x00-\xff]*")
_ABSENT_FROM_VALUES = re.compile(r"[\x00\r\n]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query for a name (lower case, no final dot) and a record type, from an address of the VPC."""

    number: int
    name: str
    kind: int


@dataclass(frozen=True, slots=True)
class NameRecord:
    """A record of a name: its type, its time to live in seconds, and an address or a name."""

    kind: int
    seconds: int
    value: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the query of that number: ``None`` if no such name exists, ``silent`` to send no answer at all."""

    number: int
    records: tuple[NameRecord, ...] | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class CertificateWanted:
    """The front has an HTTPS listener, of an endpoint or at a public address, and no certificate for it."""

    endpoint_id: str | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, in PEM, for the listeners of an endpoint."""

    endpoint_id: str | None
    pem: str


@dataclass(frozen=True, slots=True)
class LaneOpened:
    """A lane for requests; its descriptor comes with the message."""


@dataclass(frozen=True, slots=True)
class Told:
    """A line for the server's log."""

    text: str


@dataclass(frozen=True, slots=True)
class Listen:
    """A listening socket outside of VPCs, whose descriptor comes with the message; the channel says which one it is.

    With ``secure`` it has TLS, with the ``Certificate`` that was sent before for no endpoint. ``most_of_a_peer`` limits
    the connections of an address; pages of ``origins`` may read the front's own refusals.
    """

    secure: bool
    most_of_a_peer: int | None
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Accept no more connections at that socket, let the requests in progress finish, and close the channel."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FromFront:
    """What a front sends on its channel."""

    body: Asked | CertificateWanted | LaneOpened | Told


@dataclass(frozen=True, slots=True)
class FromServer:
    """What the server sends on the channel of a front."""

    body: Answered | Certificate | Listen | Leave


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request, with the listener that received it (``kind``, ``address``, ``port``) and its client.

    Outside of VPCs the kind is ``public``, and the channel alone says which listener it is.
    ``path`` and ``query`` are as they were sent. ``headers`` alternates names, in lower case, and values, in Latin-1.
    ``tls`` is the protocol's number of the version. ``body`` says whether a body follows, ``waits`` whether some of it
    has not arrived, ``expects`` whether the client waits for ``100 Continue``.
    """

    kind: Literal["credentials", "endpoint-http", "endpoint-https", "public"]
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
    """Return ASGI headers in the form of records."""
    return tuple([text.decode("latin-1") for header in headers for text in header])


def raw_headers(headers: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """Return headers of a record in the form of ASGI."""
    raw = [text.encode("latin-1") for text in headers]
    return list(zip(raw[::2], raw[1::2], strict=True))


def check_head(head: Head) -> None:
    """Refuse a head that no HTTP parser could have produced. Raises ``DocumentError``."""
    try:
        # VPCs have no IPv6.
        (ipaddress.ip_address if head.kind == "public" else ipaddress.IPv4Address)(head.client)
    except ValueError:
        raise DocumentError("a request is not from an address") from None
    if not _METHOD.fullmatch(head.method):
        raise DocumentError("a request has no method")
    for text in (head.path, head.query):
        if not text.isascii() or _ABSENT_FROM_VALUES.search(text):
            raise DocumentError("a request has no target")
    check_headers(head.headers)


def check_headers(headers: tuple[str, ...]) -> None:
    """Refuse anything but alternating names and values of headers. Raises ``DocumentError``."""
    if len(headers) % 2 or len(headers) > 2 * HEADERS:
        raise DocumentError("a request has too many headers, or a name without a value")
    names, values = headers[::2], "".join(headers[1::2])
    if names and (not all(names) or not _HEADER_NAME.fullmatch("".join(names))):
        raise DocumentError("a request has a header without a name")
    if _ABSENT_FROM_VALUES.search(values) or not _LATIN_1.fullmatch(values):
        raise DocumentError("a request has a header that is more than a line")


def check_query(query: Asked) -> None:
    """Refuse a query that no packet could contain. Raises ``DocumentError``."""
    if len(query.name) > NAME_LIMIT or not query.name.isascii() or not 0 <= query.kind < 1 << 16:
        raise DocumentError("a query is malformed")
