"""How to decide between languages that the identifiers confuse: letters, small words, and trained tables.

Only Chuvash has the letters ӑ ӗ ӳ. No other language has Ilocano's articles and conjunctions together. Sundanese and
Javanese have different ones. Bosnian, Croatian and Serbian in Latin letters differ in words and endings. A logistic
model over words and their pieces, stored as a table of weights, tells them apart; another one does so for Indonesian
and Malay. A table is one voice: the votes of the identifiers count as well.
"""

from __future__ import annotations

import lzma
import math
import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path

TABLES = ("south-slavic", "malay-indonesian")
"""The folders of the weights."""

LONGEST_WORD = 12
MOST_WORDS = 400
"""How many words of a text are looked up in the table: more change nothing."""

VOTES_COUNT = 1.0
"""The exponent of the identifiers' share against the table's probability; measured on held-back sentences."""

FLOOR = 0.05

_WORD = re.compile(r"[^\W\d_]+")
_CHUVASH = re.compile("[ӑӗӳӐӖӲ]")
_CHUVASH_IN_LATIN = re.compile("[ăĕĂĔ]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
LEAST_LETTERS = 0.01
"""In a Chuvash text, more than this share of the Cyrillic letters are the language's own."""

UNANIMOUS = 0.9
"""If one language has this share of the vote, only letters overrule it."""

_ILOCANO = frozenset(("dagiti", "iti", "ti", "ken", "kadagiti", "ket", "wenno", "kadakuada", "daytoy", "saan"))
_SMALL_WORDS = {
    "jv": frozenset("lan sing ing kang utawa saka marang ora iku kanthi kudu duwe dening iki ana".split()),  # noqa: SIM905
    "su": frozenset("jeung nu anu teu dina kana sareng atawa henteu ieu eta éta boga pikeun".split()),  # noqa: SIM905
}
LEAST_SHARE = 0.12
"""In an Ilocano text, at least this share of the words are among its articles and conjunctions."""


def settle(votes: MutableMapping[str, float], text: str, tables: Sequence[PieceTable]) -> None:
    """Move votes, in place, to the languages that these signs show. The sum of the votes stays the same."""
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
    """Pieces of words, with a weight for each of a few languages that are easily confused."""

    def __init__(self, path: Path) -> None:
        """Read a table. Raise ``FileNotFoundError``, or ``ValueError`` for a line that does not fit.

        The first line names the languages, the second gives their constants, and each other line a piece and its
        weights.
        """
        with lzma.open(path) as packed:
            head, *lines = packed.read().decode().rstrip("\n").split("\n")
        self.languages = tuple(head.split("\t")[1:])
        # A text has few of the thousands of pieces, so only the weights of those become numbers.
        self._unread = {piece: rest for piece, _, rest in (line.partition("\t") for line in lines)}
        if any(rest.count("\t") + 1 != len(self.languages) for rest in self._unread.values()):
            raise ValueError(f"{path}: a line does not have {len(self.languages)} weights, one for each language")
        self._read: dict[str, tuple[float, ...]] = {}
        self._constant = self._weights("")

    def share_out(self, votes: MutableMapping[str, float], text: str) -> None:
        """Divide the votes of the table's languages among them, in place; do nothing if none of them has a vote."""
        if any(language in votes for language in self.languages):
            _share_out(votes, dict(zip(self.languages, self.probabilities(text), strict=True)))

    def probabilities(self, text: str) -> list[float]:
        """Return the probability of each of the languages, which sum to 1."""
        known = [self._weights(piece) for piece in pieces(text) if piece in self._unread]
        scale = 1 / math.sqrt(len(known)) if known else 0.0
        sums = [constant + scale * sum(weights[at] for weights in known) for at, constant in enumerate(self._constant)]
        powers = [math.exp(value - max(sums)) for value in sums]
        return [power / sum(powers) for power in powers]

    def _weights(self, piece: str) -> tuple[float, ...]:
        found = self._read.get(piece)
        if found is None:
            found = self._read[piece] = tuple(map(float, self._unread[piece].split("\t")))
        return found


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
        # Chuvash that is typed without its own letters borrows those of Romanian, which look the same.
        signs += borrowed
    return signs > LEAST_LETTERS * cyrillic and cyrillic > sum(character.isalpha() for character in text) / 2


def _is_ilocano(text: str) -> bool:
    words = list(_words(text))
    signs = [word for word in words if word in _ILOCANO]
    return len({*signs}) >= 2 and len(signs) >= LEAST_SHARE * len(words)


def _count(text: str, known: frozenset[str]) -> int:
    return sum(word in known for word in _words(text))


def _share_out(votes: MutableMapping[str, float], evidence: Mapping[str, float]) -> None:
    """Divide the votes of some languages by their shares of the vote and by the evidence for each."""
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
