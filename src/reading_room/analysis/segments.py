"""Cutting a long text into pieces that an engine can take, with offsets into the whole text.

Offsets are counts of Unicode code points from the start of the document, end exclusive: what Comprehend counts, and
what Python's ``str`` indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from reading_room.analysis.engine import Result, in_batches

SEGMENT_CODE_POINTS = 20_000
"""An engine's memory grows with the text that it sees at once, so longer texts are cut into pieces."""


class Piece(NamedTuple):
    """A piece of a text: its offset, and whether it is the last one."""

    offset: int
    text: str
    last: bool


def by_pieces(
    texts: Iterable[str], most: int, most_code_points: int, read: Callable[[list[Piece]], Sequence[Result]]
) -> Iterator[Result]:
    """Yield one result per text. ``read`` takes a batch of pieces and returns a result for each.

    Offsets in the results refer to the whole text. One batch is read ahead. A text of blanks is one empty piece.
    """
    result: Result = []
    for batch in in_batches(_pieces(texts), lambda piece: len(piece.text), most, most_code_points):
        for piece, found in zip(batch, read(batch), strict=True):
            result += found
            if piece.last:
                yield result
                result = []


def _pieces(texts: Iterable[str]) -> Iterator[Piece]:
    for text in texts:
        cut = list(segments(text, SEGMENT_CODE_POINTS)) if text.strip() else [(0, "")]
        for number, (offset, piece) in enumerate(cut, 1):
            yield Piece(offset, piece, number == len(cut))


def segments(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Yield ``(offset, piece)`` pairs that join to ``text``, each piece at most ``size`` code points.

    A piece ends after the last line break in its second half, else after the last sentence, else after the last blank,
    else at ``size``. So an entity is cut only if the text has none of these for ``size / 2`` code points.
    """
    start = 0
    while len(text) - start > size:
        end = _cut(text, start + size // 2, start + size)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _cut(text: str, first: int, last: int) -> int:
    for mark in ("\n", ". ", " "):
        found = text.rfind(mark, first, last)
        if found >= 0:
            return found + len(mark)
    return last
