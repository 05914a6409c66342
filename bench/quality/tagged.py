"""Corpora of tokens with tags: from lines to texts with spans.

If a corpus has the sentence as written ("# text = ..."), it is kept, and tokens are found in it one after the other;
the others have only tokens, which are joined with single spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Span = tuple[int, int, str]
"""Begin and end in code points, and a type."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and its gold spans."""

    text: str
    spans: tuple[Span, ...]


def sentences(text: str, token: int = 0, tag: int = 1) -> Iterator[Sentence]:
    """Read sentences of tab-separated tokens with IOB tags, an empty line after each; ``token``, ``tag``: columns."""
    written: str | None = None
    rows: list[tuple[str, str]] = []
    for line in [*text.splitlines(), ""]:
        fields = line.split("\t")
        if not line.strip():
            if rows:
                yield _sentence(written, rows)
            written, rows = None, []
        elif line.startswith("# text = "):
            written = line.removeprefix("# text = ")
        elif len(fields) > max(token, tag) and not (line.startswith("# ") and "\t" not in line.strip()):
            rows.append((fields[token].strip(), fields[tag].strip()))


def _sentence(written: str | None, rows: list[tuple[str, str]]) -> Sentence:
    tokens = [token for token, _ in rows]
    text = " ".join(tokens) if written is None else written
    return Sentence(text, tuple(spans(places(text, tokens), [tag for _, tag in rows])))


def places(text: str, tokens: Iterable[str]) -> list[tuple[int, int]]:
    """Find tokens in a text one after the other. Raises ``ValueError`` if one is missing."""
    found, position = [], 0
    for token in tokens:
        begin = text.find(token, position)
        if begin < 0:
            raise ValueError(f"the token {token!r} is not in the text after position {position}: {text!r}")
        position = begin + len(token)
        found.append((begin, position))
    return found


def spans(positions: Iterable[tuple[int, int]], tags: Iterable[str]) -> Iterator[Span]:
    """Join tokens to spans: B- begins one, I- continues one of the same type and otherwise begins one, O ends it."""
    current: Span | None = None
    for (begin, end), tag in zip(positions, tags, strict=True):
        kind = tag[2:] if tag[:2] in ("B-", "I-") else None
        if current is not None and kind == current[2] and tag.startswith("I-"):
            current = (current[0], end, current[2])
            continue
        if current is not None:
            yield current
        current = (begin, end, kind) if kind else None
    if current is not None:
        yield current
