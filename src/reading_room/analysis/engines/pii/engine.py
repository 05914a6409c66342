"""Personal data in the API's types: rules for what has a checksum, a grammar or a word that introduces it.

Docs: ``docs/kinds/pii.md`` and ``docs/decisions/0100-personal-data.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reading_room.analysis.engine import Result, in_batches, load_engine
from reading_room.analysis.engines.pii.again import joined, named_again
from reading_room.analysis.engines.pii.codes import codes, keys
from reading_room.analysis.engines.pii.finding import Finding, resolved
from reading_room.analysis.engines.pii.labels import Labels, phrases
from reading_room.analysis.engines.pii.model import personal
from reading_room.analysis.engines.pii.network import addresses
from reading_room.analysis.engines.pii.numbers import numbers
from reading_room.analysis.engines.pii.people import names, places
from reading_room.analysis.engines.pii.phones import phones
from reading_room.analysis.engines.pii.spanish_names import spanish_names
from reading_room.analysis.engines.pii.times import Times
from reading_room.analysis.engines.pii.values import values

BATCH, BATCH_CODE_POINTS = 64, 64_000


class PiiRules:
    """Finds personal data by rules alone. Serves one language."""

    def __init__(self, language: str) -> None:
        """Prepare the words of a language."""
        self._language = language
        self._phrases = phrases(language)
        self._times = Times(language)

    def find(self, text: str) -> Iterator[Finding]:
        """Yield what each rule finds. Findings may overlap and are in no particular order."""
        lower = lowered(text)
        labels = Labels(lower, self._phrases)
        digits = any(digit in text for digit in "0123456789")
        if digits:
            yield from numbers(text, labels)
            yield from codes(text, labels)
            yield from phones(text, labels, self._language)
        if labels.all:
            yield from values(text, lower, labels, self._language)
        yield from keys(text, labels)
        yield from addresses(text)
        yield from self._times.find(text, lower)
        yield from names(text, self._language)
        if self._language == "es":
            yield from spanish_names(text)
        yield from places(text, lower, self._language)


class Pii:
    """The engine of a language. A finding has its offsets, ``Score`` and ``Type``, and never its text."""

    result_member = "Entities"

    def __init__(self, language: str) -> None:
        """Load the rules and the entity model of a language. Raise ``ChangedModel``."""
        self._language = language
        self._rules = PiiRules(language)
        self._entities = load_engine(f"entities-{language}")

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the findings of each text, in order of appearance and without overlaps."""
        for batch in in_batches(texts, len, BATCH, BATCH_CODE_POINTS):
            for text, found in zip(batch, self._entities.analyse(batch), strict=True):
                yield [finding.result() for finding in self._findings(text, found)]

    def _findings(self, text: str, entities: Iterable[Any]) -> list[Finding]:
        found = [*self._rules.find(text)]
        found += [*personal(text, entities, self._language, found)]
        found += named_again(text, found)
        return joined(text, resolved(text, found))


def lowered(text: str) -> str:
    """Return a text in lower case with each character in its place: a few have a lower case of two characters."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)
