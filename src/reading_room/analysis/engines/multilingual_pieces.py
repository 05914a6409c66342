"""A text as the multilingual encoder sees it: pieces, the units that get tags, and windows of both.

A unit is a word where blanks separate words, and a piece in Chinese, Japanese and Korean: there the borders of names
lie inside what blanks separate. A unit's tag is the one of its first piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tokenizers import Tokenizer

from reading_room.analysis.engines.sentence_tokens import sentences

Span = tuple[int, int]

WINDOW_PIECES = 126
"""Without the two special pieces: the encoder was trained on this length. The time grows with its square."""

FIRST_MARK, LAST_MARK, PADDING = 0, 2, 1
"""The ids of the special pieces around a window, and of padding."""

TAGGED_BY_PIECE = frozenset(("ja", "ko", "zh", "zh-TW"))

_MARKS = "\u0300-\u036f\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*|[^\W\d_](?:[^\W\d_]|[{_MARKS}])*(?:['’](?=\w))?|\w|[^\w\s{_MARKS}]")


class Pieces(NamedTuple):
    """A sentence in pieces; places are code points of the sentence, end exclusive."""

    ids: list[int]
    places: list[Span]
    """Of each piece, without blanks; begin and end are equal for a piece that is only a blank."""
    units: list[Span]
    firsts: list[int]
    """The first piece of each unit."""


class Window(NamedTuple):
    """Pieces that the graph reads at once, and the units that begin in them."""

    text: int
    """The index of its text."""
    offset: int
    """Where its sentence begins in the text."""
    ids: list[int]
    units: list[Span]
    firsts: list[int]


def cut(tokenizer: Tokenizer, sentence: str, language: str) -> Pieces:
    """Cut a sentence into pieces and units."""
    encoding = tokenizer.encode(sentence, add_special_tokens=False)
    places = [_without_blanks(sentence, begin, end) for begin, end in encoding.offsets]
    if language in TAGGED_BY_PIECE:
        numbers: list[int] = []
        for number, (begin, end) in enumerate(places):
            # A character that stands for several, such as ㎏, has several pieces in one place.
            if begin < end and (not numbers or begin >= places[numbers[-1]][1]):
                numbers.append(number)
        return Pieces(encoding.ids, places, [places[number] for number in numbers], numbers)
    units, firsts = [], []
    at = 0
    for match in _WORD.finditer(sentence):
        begin, end = match.span()
        while at < len(places) and (places[at][1] <= begin or places[at][0] == places[at][1]):
            at += 1
        # The tokenizer drops some characters that cannot be seen.
        if at < len(places) and places[at][0] < end:
            units.append((begin, end))
            firsts.append(at)
    return Pieces(encoding.ids, places, units, firsts)


def cut_windows(tokenizer: Tokenizer, number: int, text: str, language: str) -> Iterator[Window]:
    """Cut a text into windows: a sentence each, or a part of one that is too long."""
    for offset, sentence in sentences(text):
        found = cut(tokenizer, sentence, language)
        start = first = 0
        while first < len(found.units):
            if found.firsts[first] - start >= WINDOW_PIECES:
                # After a word without a blank that is longer than a window.
                start = found.firsts[first]
            end = first + 1
            while end < len(found.units) and found.firsts[end] - start < WINDOW_PIECES:
                end += 1
            stop = found.firsts[end] if end < len(found.units) else len(found.ids)
            stop = min(stop, start + WINDOW_PIECES)
            yield Window(
                number,
                offset,
                found.ids[start:stop],
                found.units[first:end],
                [piece - start for piece in found.firsts[first:end]],
            )
            start, first = stop, end


def pieces_only(tokenizer: Tokenizer, number: int, text: str) -> Iterator[Window]:
    """Cut a text into consecutive windows without units, whatever its sentences; an empty text has one window."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    for start in range(0, max(len(ids), 1), WINDOW_PIECES):
        yield Window(number, 0, ids[start : start + WINDOW_PIECES], [], [])


def _without_blanks(sentence: str, begin: int, end: int) -> Span:
    while begin < end and sentence[begin].isspace():
        begin += 1
    while end > begin and sentence[end - 1].isspace():
        end -= 1
    return begin, end
