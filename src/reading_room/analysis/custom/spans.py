"""Conversion between spans and a label per token, and matches of an entity list in a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from reading_room.analysis.custom.tokens import Token

Span = tuple[int, int, str]
"""Begin and end in code points, and the type."""

OUTSIDE = "O"


def labels_of(tokens: Sequence[Token], spans: Iterable[Span]) -> list[str]:
    """Return ``B-type`` for the first token that a span touches, ``I-type`` for its other tokens, ``O`` elsewhere."""
    labels = [OUTSIDE] * len(tokens)
    position = 0
    for begin, end, kind in sorted(spans):
        while position < len(tokens) and tokens[position].end <= begin:
            position += 1
        first = True
        while position < len(tokens) and tokens[position].begin < end:
            labels[position] = f"{'B' if first else 'I'}-{kind}"
            first = False
            position += 1
    return labels


def runs(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return ``(first, end, type)`` of each entity in the labels, as token numbers, ``end`` exclusive."""
    found: list[tuple[int, int, str]] = []
    start, kind = 0, ""
    for number, label in enumerate([*labels, OUTSIDE]):
        prefix, _, current = label.partition("-")
        if kind and (prefix != "I" or current != kind):
            found.append((start, number, kind))
            kind = ""
        if not kind and current:
            start, kind = number, current
    return found


def listed_spans(text: str, tokens: Sequence[Token], entries: Mapping[str, str], lengths: Set[int]) -> list[Span]:
    """Return where a text contains entries of a list: whole tokens only, and the longest match first.

    ``lengths`` are the lengths of the entries in code points. Only spans of these lengths are looked up, so that one
    very long entry does not make the lookup of every span necessary.
    """
    found: list[Span] = []
    longest = max(lengths, default=0)
    number = 0
    while number < len(tokens):
        begin = tokens[number].begin
        last = number
        while last < len(tokens) and tokens[last].end - begin <= longest:
            last += 1
        for behind in range(last, number, -1):
            end = tokens[behind - 1].end
            kind = entries.get(text[begin:end]) if end - begin in lengths else None
            if kind is not None:
                found.append((begin, end, kind))
                number = behind
                break
        else:
            number += 1
    return found
