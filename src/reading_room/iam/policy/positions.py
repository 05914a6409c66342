"""The positions of a policy's statements in its text, as the policy simulator reports them."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Position(NamedTuple):
    """A position in a text; line and column count from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """The start and end of a statement.

    As in AWS's responses, a statement in a list starts right after the preceding ``[`` or ``,`` and so includes white
    space; a single statement starts after its own brace. The end is the position after the closing brace.
    """

    start: Position
    end: Position


def statement_spans(text: str) -> list[Span]:
    """Return the span of each statement, in order. ``text`` must be a valid policy."""
    at = _past_space(text, 0) + 1
    while True:
        name, at = _DECODER.raw_decode(text, _past_space(text, at))
        at = _past_space(text, at) + 1
        if name == "Statement":
            break
        at = _past_space(text, _past_value(text, at)) + 1
    first = _past_space(text, at)
    if text[first] == "{":
        return [_span(text, first + 1, _past_value(text, at))]
    spans = []
    at = first + 1
    while True:
        end = _past_value(text, at)
        spans.append(_span(text, at, end))
        at = _past_space(text, end)
        if text[at] == "]":
            return spans
        at += 1


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _past_value(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, _past_space(text, at))[1]


def _span(text: str, start: int, end: int) -> Span:
    return Span(_position(text, start), _position(text, end))


def _position(text: str, at: int) -> Position:
    return Position(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
