"""Lists of known words and names, and where they occur in a row of tokens.

A list is one file, ``lexicon.txt.xz``, with a line per phrase: its class, a tab, and its tokens joined by the lexicon's
joiner. Matching is greedy from the left and takes the longest phrase, since it is a hint for a statistical model and
not a decision.
"""

from __future__ import annotations

import lzma
from collections.abc import Mapping, Sequence
from pathlib import Path

NOTHING = "-"
"""The mark of a token that belongs to no listed phrase."""


class Lexicon:
    """Phrases with their classes. ``joiner`` stands between the tokens of a phrase: a blank, or nothing."""

    def __init__(self, classes: Mapping[str, str], joiner: str) -> None:
        self._classes = classes
        self._joiner = joiner
        lengths = (phrase.count(joiner) + 1 if joiner else len(phrase) for phrase in classes)
        self._longest = max(lengths, default=0)

    @classmethod
    def load(cls, path: Path, joiner: str) -> Lexicon:
        """Read a list. Raise ``FileNotFoundError``, or ``ValueError`` for a line without a tab."""
        classes: dict[str, str] = {}
        with lzma.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                name, tab, phrase = line.rstrip("\n").partition("\t")
                if not tab:
                    raise ValueError(f"{path}: line {number} has no tab between class and phrase")
                classes[phrase] = name
        return cls(classes, joiner)

    def marks(self, tokens: Sequence[str]) -> list[str]:
        """Return a mark per token: the phrase's class and B, I or S (begins it, is inside, is all of it), or ``-``."""
        marks = [NOTHING] * len(tokens)
        at = 0
        while at < len(tokens):
            for length in range(min(self._longest, len(tokens) - at), 0, -1):
                found = self._classes.get(self._joiner.join(tokens[at : at + length]))
                if found is not None:
                    marks[at] = found + ("B" if length > 1 else "S")
                    marks[at + 1 : at + length] = [found + "I"] * (length - 1)
                    at += length
                    break
            else:
                at += 1
        return marks
