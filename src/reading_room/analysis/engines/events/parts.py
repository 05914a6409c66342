"""What the rules for events pass to each other: sentences, mentions, triggers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MENTION_TYPES = (
    "DATE",
    "FACILITY",
    "LOCATION",
    "MONETARY_VALUE",
    "ORGANIZATION",
    "PERSON",
    "PERSON_TITLE",
    "QUANTITY",
    "STOCK_CODE",
)
"""The types of entities that the service's guide lists for events."""

LONGEST_SENTENCE = 1_500
"""Code points; what is longer is cut, so that looking through a sentence takes limited time."""
_ENDS = re.compile(r"[.!?][\"”’)]{0,2}(?=\s+[\"“(]?[A-Z0-9])|\n")
_SHORT = re.compile(
    r"(?:\b(?:Inc|Corp|Co|Ltd|LLC|L\.L\.C|plc|Mr|Mrs|Ms|Dr|Messrs|No|Nos|St|Jr|Sr|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|"
    r"Nov|Dec|U\.S|U\.K|approx|Gen|Ret|Prof|Sec|Art|Fig)|\b[A-Z]|[A-Z]\.[A-Z])\Z"
)
"""What a full stop follows without ending a sentence."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the text that names or describes something. ``group`` is filled in by ``groups.py``."""

    begin: int
    end: int
    type: str
    score: float
    text: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """Words that tell an event.

    ``form`` says how they stand to their arguments: the key of a rule in ``roles.py``. An ``anaphor`` tells of an event
    that other words have named ("the offering").
    """

    begin: int
    end: int
    type: str
    form: str
    score: float
    anaphor: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a text."""

    begin: int
    end: int


class Text:
    """A text with its sentences and its mentions, in order of their places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sentences = list(_sentences(text))
        self._begins = [each.begin for each in self.sentences]
        self.mentions: list[Mention] = []
        self._places: list[int] = []

    def set_mentions(self, mentions: Sequence[Mention]) -> None:
        """Set the mentions, which must be in order and must not overlap."""
        self.mentions = list(mentions)
        self._places = [each.begin for each in mentions]

    def sentence(self, place: int) -> int:
        """Return the number of the sentence at a place."""
        return max(bisect_right(self._begins, place) - 1, 0)

    def within(self, begin: int, end: int) -> list[Mention]:
        """Return the mentions that begin in a range."""
        return self.mentions[bisect_right(self._places, begin - 1) : bisect_right(self._places, end - 1)]

    def at(self, begin: int, end: int) -> Mention | None:
        """Return a mention that overlaps a range, or ``None``."""
        number = bisect_right(self._places, end - 1) - 1
        if number >= 0 and self.mentions[number].end > begin:
            return self.mentions[number]
        return None


def _sentences(text: str) -> Iterator[Sentence]:
    begin = 0
    for found in _ENDS.finditer(text):
        if found[0] != "\n" and _SHORT.search(text, max(begin, found.start() - 12), found.start()):
            continue
        yield from _cut(begin, found.end())
        begin = found.end()
    if begin < len(text) or not begin:
        yield from _cut(begin, len(text))


def _cut(begin: int, end: int) -> Iterator[Sentence]:
    while end - begin > LONGEST_SENTENCE:
        yield Sentence(begin, begin + LONGEST_SENTENCE)
        begin += LONGEST_SENTENCE
    yield Sentence(begin, end)
