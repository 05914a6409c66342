"""The first documents of a connection between a link and ``serve``, and the answer to a control connection.

A link opens every connection, and its first document says what the connection is for. Which host it is follows from the
certificate alone, and never from a document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from reading_room.agent.frames import Greeting, checked
from reading_room.codec import DocumentError, decode

OPENING_LIMIT = 4_096
ANSWER_LIMIT = 16_384
"""The most bytes of a first document, and of the answer."""
_VPC = re.compile(r"vpc-[0-9a-z]{1,40}")
_CONTAINER = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,12000}-----END CERTIFICATE-----\n?")
_PLACE = re.compile(r"(?:[0-9A-Za-z.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Control:
    """For the documents of the host's agent: specs go down; reports, flow events and lists of listeners come up."""


@dataclass(frozen=True, slots=True)
class FrontOpened:
    """For the messages of the front of a VPC."""

    vpc_id: str


@dataclass(frozen=True, slots=True)
class LaneReady:
    """For a lane that a front will need; the document ``LaneTaken`` then says which front's it is."""


@dataclass(frozen=True, slots=True)
class RealtimeStarted:
    """For the bytes of a realtime container."""

    container_id: str


@dataclass(frozen=True, slots=True)
class PlacesWanted:
    """For one ``Answer``, with the ``serve`` processes that listen now."""


Purpose = Control | FrontOpened | LaneReady | RealtimeStarted | PlacesWanted


@dataclass(frozen=True, slots=True)
class Opening:
    """The first document of a connection, from the link: its version, and what the connection is for."""

    link: Greeting
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class LaneTaken:
    """The connection is a lane of the front of this VPC from now on."""

    vpc_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The connection's further documents are those of an agent and of ``serve``."""

    authority: str
    """The certificate (PEM) of the authority for the services inside VPCs, which containers trust."""
    places: tuple[str, ...]
    """Where other ``serve`` processes listen for hosts, ``HOST:PORT``: one of them leads once this one has ended."""


@dataclass(frozen=True, slots=True)
class LeaderElsewhere:
    """This ``serve`` does not move jobs: connect to the one at ``place``, ``HOST:PORT``."""

    place: str


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """This host cannot be connected; the reason is a sentence for its operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class PlacesKnown:
    """Where other ``serve`` processes listen for hosts now, ``HOST:PORT``."""

    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of ``serve`` to a control connection, or to one that asks for places."""

    body: Accepted | LeaderElsewhere | NotAccepted | PlacesKnown


def read_opening(document: bytes) -> Opening:
    """Read the first document of a link of any version. Raises ``DocumentError``."""
    opening = decode(Opening, document, newer=True)
    checked(opening.link)
    purpose = opening.purpose
    if isinstance(purpose, FrontOpened):
        _check(_VPC, purpose.vpc_id, "VPC")
    elif isinstance(purpose, RealtimeStarted):
        _check(_CONTAINER, purpose.container_id, "container")
    return opening


def read_taken(document: bytes) -> LaneTaken:
    """Read which front's a lane is. Raises ``DocumentError``."""
    taken = decode(LaneTaken, document, newer=True)
    _check(_VPC, taken.vpc_id, "VPC")
    return taken


def read_answer(document: bytes) -> Accepted | LeaderElsewhere | NotAccepted:
    """Read the answer to a control connection. Raises ``DocumentError``."""
    body = _body(document)
    if isinstance(body, PlacesKnown):
        raise DocumentError("it answers a control connection with places")
    return body


def read_places(document: bytes) -> tuple[str, ...]:
    """Read the answer to a connection that asks for places. Raises ``DocumentError``."""
    body = _body(document)
    if not isinstance(body, PlacesKnown):
        raise DocumentError("it answers with something else than places")
    return body.places


def _body(document: bytes) -> Accepted | LeaderElsewhere | NotAccepted | PlacesKnown:
    body = decode(Answer, document, newer=True).body
    if isinstance(body, LeaderElsewhere):
        parse_place(body.place)
    elif isinstance(body, Accepted | PlacesKnown):
        for place in body.places:
            parse_place(place)
    if isinstance(body, Accepted) and not _CERTIFICATE.fullmatch(body.authority):
        raise DocumentError("the authority for the services inside VPCs is not a certificate")
    return body


def parse_place(text: str) -> tuple[str, int]:
    """Return the host and the port of ``HOST:PORT``; an IPv6 address is in brackets. Raises ``DocumentError``."""
    found = _PLACE.fullmatch(text)
    if found is None or not 0 < int(found[1]) < 1 << 16:
        raise DocumentError(f"{ascii(text)[:80]} is not HOST:PORT, such as 10.0.0.1:4569")
    return text.rpartition(":")[0].strip("[]"), int(found[1])


def _check(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise DocumentError(f"{ascii(text)[:80]} is not the id of a {what}")
