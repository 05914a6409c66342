"""Cutting a long text into pieces that an engine can take, with offsets that stay those of the whole.

Offsets are counts of Unicode code points from the start of the document, end exclusive: what Comprehend counts, and
what Python's ``str`` indexes.
"""

from __future__ import annotations

from collections.abc import Iterator


def segments(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Yield ``(offset, piece)`` pairs that join to ``text``, each piece at most ``size`` code points.

    A piece ends behind the last line break in its second half, else behind the last sentence end, else behind the last
    blank, else at ``size``: an entity is cut only where the text has none of them for ``size / 2`` code points.
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
