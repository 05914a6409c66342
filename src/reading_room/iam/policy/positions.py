"""Where the statements of a policy stand in its text, by line and column as the policy simulator tells them."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Position(NamedTuple):
    """A place in a text; both count from 1."""

    line: int
    column: int


class Span(NamedTuple):
    """From where to where a statement goes.

    As AWS has it, one of a list starts right after the character before it (``[`` or ``,``), so that white space
    belongs to it; one that stands alone starts after its own brace. The end is the place after the last brace.
    """

    start: Position
    end: Position


def statement_spans(text: str) -> list[Span]:
    """Return the place of each statement, in order. ``text`` must be a policy that was parsed before."""
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
