"""The documents of a connection without a client certificate: one question, and one answer.

A new host first asks for the authority, whose digest its token has. Then it asks to join, on a second connection that
it has verified with that authority. Frames are those of the agent (``agent/frames.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.agent.frames import Greeting, checked
from reading_room.codec import DocumentError, decode
from reading_room.versions import DOCUMENTS

QUESTION_LIMIT = 16_384
ANSWER_LIMIT = 16_384
"""The most bytes of a document in either direction."""
LABELS = 64
"""The most labels in a document; a host may have fewer."""


@dataclass(frozen=True, slots=True)
class AuthorityWanted:
    """Asks for the certificate of the authority, which is public."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a host."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class JoinWanted:
    """Asks to join; the members are those of ``fleet.hosts.NewHost``."""

    token: str
    """The secret of the token."""
    host: str
    request: str
    """A signing request (PEM) for the host's key."""
    zone: str
    """Empty for the first zone of the region."""
    labels: tuple[Label, ...]
    underlay: str
    mtu: int
    cores: int
    memory_bytes: int
    time: float
    """The host's clock, in seconds since 1970."""

    def __repr__(self) -> str:
        """Omit the token, so that it cannot be logged."""
        return f"JoinWanted(host={self.host!r})"


@dataclass(frozen=True, slots=True)
class Question:
    """What a host without a certificate asks, and the version of its program."""

    program: Greeting
    wanted: AuthorityWanted | JoinWanted


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's certificate (PEM), and the server's clock in seconds since 1970."""

    certificate: str
    time: float


@dataclass(frozen=True, slots=True)
class Welcome:
    """The host has joined."""

    host: str
    number: int
    zone: str
    region: str
    certificate: str
    """The host's certificate (PEM)."""


@dataclass(frozen=True, slots=True)
class NotWelcome:
    """The host has not joined; the message is a sentence that says why and what to change."""

    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer, and the version of the server's program."""

    program: Greeting
    body: Authority | Welcome | NotWelcome


@dataclass(frozen=True, slots=True)
class _Asker:
    """What a question of every version has."""

    program: Greeting


def version_of(document: bytes) -> Greeting:
    """Return the version of whoever wrote a question or an answer, of any version. Raises ``DocumentError``."""
    return checked(decode(_Asker, document, newer=True).program)


def read_question(document: bytes) -> Question:
    """Read a question of this version or a newer one. Raises ``DocumentError``."""
    question = decode(Question, document, newer=version_of(document).documents > DOCUMENTS)
    if isinstance(question.wanted, JoinWanted) and len(question.wanted.labels) > LABELS:
        raise DocumentError(f"it has {len(question.wanted.labels)} labels, and {LABELS} are the most")
    return question


def read_answer(document: bytes) -> Answer:
    """Read an answer of any version. Raises ``DocumentError``."""
    return decode(Answer, document, newer=version_of(document).documents > DOCUMENTS)
