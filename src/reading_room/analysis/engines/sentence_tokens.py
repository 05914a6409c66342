"""Texts as sentences and sentences as tokens, by rules without a dictionary.

Offsets are code points of the text, end exclusive. There are two kinds of writing: words between blanks, and characters
in a row (Chinese, Japanese), where each character is a token, and so is a run of Latin letters or of digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST_SENTENCE = 2_000
"""In code points. A longer sentence is cut at a blank, because a model's memory grows with its length."""

Span = tuple[int, int]

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’](?=\w))?|\w|[^\w\s]")
_CHARACTER = re.compile(r"[A-Za-z\u00c0-\u024f]+|\d+(?:[.,]\d+)*|\S")

# A sentence ends at a line break, or at an end mark before a blank and a capital, a digit or an opening quote.
_SENTENCE_END = re.compile(
    r"\n+|(?<=[^\W\d_]{3}[.!?…])[\"'»”)]*\s+(?=[\"'«“(]*[^\W_a-zà-öø-ÿ])|(?<=[。！？!?।؟۔])[」』”）]*"
)


def words(text: str) -> list[Span]:
    """Return the words, numbers and marks of a text with blanks between its words."""
    return [match.span() for match in _WORD.finditer(text)]


def characters(text: str) -> list[Span]:
    """Return the characters of a text without blanks between its words; Latin words and numbers stay whole."""
    return [match.span() for match in _CHARACTER.finditer(text)]


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield ``(offset, sentence)``; only blanks lie between two sentences."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if match.end() > start:
            yield from _cut(start, text[start : match.end()])
            start = match.end()
    yield from _cut(start, text[start:])


def _cut(offset: int, sentence: str) -> Iterator[tuple[int, str]]:
    while len(sentence) > LONGEST_SENTENCE:
        blank = sentence.rfind(" ", LONGEST_SENTENCE // 2, LONGEST_SENTENCE)
        end = blank + 1 if blank >= 0 else LONGEST_SENTENCE
        yield offset, sentence[:end]
        offset, sentence = offset + end, sentence[end:]
    if sentence.strip():
        yield offset, sentence
