"""What decides between languages that the identifiers confuse: letters, small words, and trained tables.

Chuvash alone writes the letters ӑ ӗ ӳ; Ilocano's articles and conjunctions stand in no other language together, and
those of Sundanese and Javanese are different words.
Bosnian, Croatian and Serbian in Latin letters differ by words and endings that a table of weights knows, a logistic
model over words and their pieces; so do Indonesian and Malay. A table is one voice: what the identifiers say of its
languages counts as well.
"""

from __future__ import annotations

import lzma
import math
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path

TABLES = ("south-slavic", "malay-indonesian")
"""Folders of weights."""

LONGEST_WORD = 12
MOST_WORDS = 400
"""Words of a text that the table is asked about: more change nothing."""

VOTES_COUNT = 1.0
"""The power of the identifiers' share against the table's probability; measured on held-back sentences."""

FLOOR = 0.05

_WORD = re.compile(r"[^\W\d_]+")
_CHUVASH = re.compile("[ӑӗӳӐӖӲ]")
_CHUVASH_IN_LATIN = re.compile("[ăĕĂĔ]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
LEAST_LETTERS = 0.01
"""Of the Cyrillic letters of a Chuvash text, more than so many are its own."""

UNANIMOUS = 0.9
"""Where one language has so much of the vote, only letters overrule it."""

_ILOCANO = frozenset(("dagiti", "iti", "ti", "ken", "kadagiti", "ket", "wenno", "kadakuada", "daytoy", "saan"))
_SMALL_WORDS = {
    "jv": frozenset("lan sing ing kang utawa saka marang ora iku kanthi kudu duwe dening iki ana".split()),  # noqa: SIM905
    "su": frozenset("jeung nu anu teu dina kana sareng atawa henteu ieu eta éta boga pikeun".split()),  # noqa: SIM905
}
LEAST_SHARE = 0.12
"""Of the words of an Ilocano text, at least so many are among its articles and conjunctions."""


def settle(votes: MutableMapping[str, float], text: str, tables: Sequence[PieceTable]) -> None:
    """Move votes, in place, to where these signs say that they belong. Their sum stays."""
    if _is_chuvash(text):
        _give_all(votes, "cv")
    elif votes and max(votes.values()) < UNANIMOUS * sum(votes.values()) and _is_ilocano(text):
        _give_all(votes, "ilo")
    elif not _CYRILLIC.search(text):
        for table in tables:
            table.share_out(votes, text)
        if any(language in votes for language in _SMALL_WORDS):
            _share_out(votes, {language: _count(text, known) + FLOOR for language, known in _SMALL_WORDS.items()})


class PieceTable:
    """Pieces of words, each with a weight for each of a few languages that are easily confused."""

    def __init__(self, path: Path) -> None:
        """Read a table. Raises ``FileNotFoundError``, or ``ValueError`` for a line that is none of it.

        Its first line names the languages, its second gives their constants, each other a piece and its weights.
        """
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines]
        self.languages = tuple(rows[0][1:])
        weights = {piece: tuple(float(value) for value in values) for piece, *values in rows[1:]}
        if any(len(row) != len(self.languages) for row in weights.values()):
            raise ValueError(f"{path}: a line has not the {len(self.languages)} weights that the first line promises")
        self._constant = weights.pop("")
        self._weights = weights

    def share_out(self, votes: MutableMapping[str, float], text: str) -> None:
        """Share out, in place, what the table's languages have of the vote; nothing where none of them has any."""
        if any(language in votes for language in self.languages):
            _share_out(votes, dict(zip(self.languages, self.probabilities(text), strict=True)))

    def probabilities(self, text: str) -> list[float]:
        """Return the probability of each of the languages, which sum to 1."""
        known = [self._weights[piece] for piece in pieces(text) if piece in self._weights]
        scale = 1 / math.sqrt(len(known)) if known else 0.0
        sums = [constant + scale * sum(weights[at] for weights in known) for at, constant in enumerate(self._constant)]
        powers = [math.exp(value - max(sums)) for value in sums]
        return [power / sum(powers) for power in powers]


def pieces(text: str) -> set[str]:
    """Return the words of a text, between ``<`` and ``>``, and the runs of three and four characters in them."""
    found: set[str] = set()
    for word in _words(text):
        marked = f"<{word}>"
        if len(word) <= LONGEST_WORD:
            found.add(marked)
        for length in (3, 4):
            found.update(marked[at : at + length] for at in range(len(marked) - length + 1))
    return found


def _words(text: str) -> Iterator[str]:
    for number, match in enumerate(_WORD.finditer(text.lower())):
        if number == MOST_WORDS:
            return
        yield match.group()


def _is_chuvash(text: str) -> bool:
    signs, cyrillic = len(_CHUVASH.findall(text)), len(_CYRILLIC.findall(text))
    borrowed = len(_CHUVASH_IN_LATIN.findall(text))
    if borrowed < cyrillic:
        # Typed without its letters, Chuvash borrows those of Romanian, which look the same.
        signs += borrowed
    return signs > LEAST_LETTERS * cyrillic and cyrillic > sum(character.isalpha() for character in text) / 2


def _is_ilocano(text: str) -> bool:
    words = list(_words(text))
    signs = [word for word in words if word in _ILOCANO]
    return len({*signs}) >= 2 and len(signs) >= LEAST_SHARE * len(words)


def _count(text: str, known: frozenset[str]) -> int:
    return sum(word in known for word in _words(text))


def _share_out(votes: MutableMapping[str, float], evidence: Mapping[str, float]) -> None:
    """Share out what some languages have of the vote by their shares of it and by the evidence for each."""
    together = sum(votes.get(language, 0.0) for language in evidence)
    if together == 0:
        return
    shares = {
        language: (votes.get(language, 0.0) / together + FLOOR) ** VOTES_COUNT * weight
        for language, weight in evidence.items()
    }
    for language, share in shares.items():
        votes[language] = together * share / sum(shares.values())


def _give_all(votes: MutableMapping[str, float], code: str) -> None:
    together = sum(votes.values())
    votes.clear()
    votes[code] = together
