"""The typed records between a front and the server: queries and requests, and their answers.

A front has one channel, which the agent makes for one VPC, or for one listen address outside of them, so that is
certain. Each HTTP request goes over a lane, a
separate socket that the front makes and sends along: its head as a record, bodies as bytes (``lane.py``). The server
trusts a record only as far as the listeners of that channel justify (``read_head``).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

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
Kind = Literal["credentials", "endpoint-http", "endpoint-https", "public"]
_KINDS = get_args(Kind)
_MEMBERS = 11
"""The members of a head that this version knows, beside its headers."""
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_HEADER_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[0-9]{1,5}")


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
    ``path`` and ``query`` are as they were sent. ``headers`` alternates names, in lower case, and values.
    ``tls`` is the protocol's number of the version. ``body`` says whether a body follows, ``waits`` whether some of it
    has not arrived, ``expects`` whether the client waits for ``100 Continue``.
    """

    kind: Kind
    address: str
    port: int
    client: str
    client_port: int
    method: str
    path: str
    query: str
    headers: tuple[bytes, ...]
    version: Literal["1.0", "1.1"] = "1.1"
    tls: int | None = None
    body: bool = False
    waits: bool = False
    expects: bool = False


def flat(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, ...]:
    """Return ASGI headers in the form of records."""
    return tuple([text for header in headers for text in header])


def in_pairs(headers: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return headers of a record in the form of ASGI."""
    return list(zip(headers[::2], headers[1::2], strict=True))


def write_head(head: Head) -> bytes:
    """Return a head as bytes: a line for each member, a zero byte, and a line for each name and value of a header.

    JSON would take most of the time of a small request. None of these texts can have a line break or a zero byte.
    Members that a later version adds follow the others, and earlier versions ignore them.
    """
    flags = f"{'b' if head.body else ''}{'w' if head.waits else ''}{'e' if head.expects else ''}"
    fixed = (
        f"{head.kind}\n{head.address}\n{head.port}\n{head.client}\n{head.client_port}\n{head.method}\n{head.path}\n"
        f"{head.query}\n{head.version}\n{'' if head.tls is None else head.tls}\n{flags}"
    )
    return b"%s\0%s" % (fixed.encode("latin-1", "replace"), b"\n".join(head.headers))


def read_head(content: bytes) -> Head:
    """Read a head, and refuse one that no HTTP parser could have produced. Raises ``DocumentError``."""
    fixed, _, rest = content.partition(b"\0")
    try:
        members = fixed.decode("ascii").split("\n")
        kind, address, port, client, client_port, method, path, query, version, tls, flags = members[:_MEMBERS]
    except ValueError:
        raise DocumentError("a head lacks a member, or one is no text") from None
    if kind not in _KINDS or version not in ("1.0", "1.1"):
        raise DocumentError("a request is of no known kind or version")
    if not _is_address(client, v6=kind == "public"):
        raise DocumentError("a request is not from an address")
    if not _METHOD.fullmatch(method):
        raise DocumentError("a request has no method")
    if "\r" in path or "\r" in query:
        raise DocumentError("a request has no target")
    return Head(
        kind=kind,  # type: ignore[arg-type] # it was compared with the kinds
        address=address,
        port=_number(port),
        client=client,
        client_port=_number(client_port),
        method=method,
        path=path,
        query=query,
        headers=_read_headers(rest),
        version=version,  # type: ignore[arg-type]
        tls=_number(tls) if tls else None,
        body="b" in flags,
        waits="w" in flags,
        expects="e" in flags,
    )


def write_reply(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head of an answer as bytes, in the form of ``write_head``. Raises ``ValueError``."""
    lines = flat(headers)
    content = b"%d\0%s" % (status, b"\n".join(lines))
    if content.count(b"\n") != max(0, len(lines) - 1) or content.count(b"\0") != 1:
        raise ValueError("an answer has a header that is more than a line")
    return content


def read_reply(content: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return status and headers of an answer. Raises ``DocumentError``."""
    fixed, _, rest = content.partition(b"\0")
    status = fixed.partition(b"\n")[0].decode("latin-1")
    return _number(status), in_pairs(_read_headers(rest))


def _read_headers(content: bytes) -> tuple[bytes, ...]:
    headers = tuple(content.split(b"\n")) if content else ()
    if len(headers) % 2 or len(headers) > 2 * HEADERS:
        raise DocumentError("a request has too many headers, or a name without a value")
    names = headers[::2]
    if names and (not all(names) or not _HEADER_NAME.fullmatch(b"".join(names))):
        raise DocumentError("a request has a header without a name")
    if b"\r" in content or b"\0" in content:
        raise DocumentError("a request has a header that is more than a line")
    return headers


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise DocumentError("a head has a number that is none")
    return int(text)


@lru_cache(maxsize=4096)
def _is_address(client: str, *, v6: bool) -> bool:
    try:
        # VPCs have no IPv6.
        (ipaddress.ip_address if v6 else ipaddress.IPv4Address)(client)
    except ValueError:
        return False
    return True


def check_query(query: Asked) -> None:
    """Refuse a query that no packet could contain. Raises ``DocumentError``."""
    if len(query.name) > NAME_LIMIT or not query.name.isascii() or not 0 <= query.kind < 1 << 16:
        raise DocumentError("a query is malformed")
