"""CSV as in training data (RFC 4180), with the place of every field and of every error.

The standard library's reader does not report columns, and takes an unbalanced quote for a very long field. This one
reads a stream of lines and holds one record at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reading_room.analysis.storage import JobFailure
from reading_room.analysis.training.places import INVALID, Place, Problem
from reading_room.analysis.training.sources import Line


class Field(NamedTuple):
    """A value, and where it begins."""

    text: str
    place: Place


Row = list[Field]

RECORD_LIMIT = 10_000_000
"""The greatest length of a quoted field in code points, so that an unclosed quote does not take in the whole file."""


def csv_rows(file: str, lines: Iterable[Line | Problem]) -> Iterator[Row | Problem]:
    """Yield the records of a file, without blank lines; for a faulty record, yield a problem and go on.

    Quotes count only at the start of a field, blanks before them are ignored, and a doubled quote means one quote. A
    line break inside quotes belongs to the value. Raise ``JobFailure`` if a quote is never closed, because the
    beginnings of the following records are then unknown.
    """
    reader = iter(lines)
    for line in reader:
        if isinstance(line, Problem):
            yield line
        elif line.text.strip():
            yield _record(file, line, reader)


def _record(file: str, line: Line, following: Iterator[Line | Problem]) -> Row | Problem:
    row: Row = []
    number, text, position = line.number, line.text, 0
    while True:
        start = position
        while start < len(text) and text[start] in " \t":
            start += 1
        if start < len(text) and text[start] == '"':
            opened = Place(file, number, start + 1)
            quoted = _quoted(Line(number, text), start, opened, following)
            if isinstance(quoted, Problem):
                return quoted
            value, number, text, position = quoted
            end = position
            while end < len(text) and text[end] in " \t":
                end += 1
            if end < len(text) and text[end] != ",":
                return Problem(
                    Place(file, number, end + 1),
                    "text after a closing quote (double each quote inside a quoted value)",
                    f"the value's opening quote is at line {opened.line}, column {opened.column}",
                )
            row.append(Field(value, opened))
            position = end
        else:
            end = text.find(",", position)
            end = len(text) if end < 0 else end
            row.append(Field(text[position:end], Place(file, number, position + 1)))
            position = end
        if position >= len(text):
            return row
        position += 1


def _quoted(
    line: Line, start: int, opened: Place, following: Iterator[Line | Problem]
) -> tuple[str, int, str, int] | Problem:
    """Read a quoted value; return it, and the line and position after its closing quote."""
    pieces: list[str] = []
    size = 0
    number, text, begin = line.number, line.text, start + 1
    position = begin
    while True:
        end = text.find('"', position)
        if end >= 0 and text.startswith('""', end):
            position = end + 2
            continue
        pieces.append(text[begin : end if end >= 0 else len(text)])
        if end >= 0:
            return "".join(pieces).replace('""', '"'), number, text, end + 1
        size += len(pieces[-1]) + 1
        try:
            if size > RECORD_LIMIT:
                raise StopIteration
            later = next(following)
        except StopIteration:
            raise JobFailure(INVALID, f"{opened}: a quote is opened here and never closed") from None
        if isinstance(later, Problem):
            return later
        pieces.append("\n")
        number, text, begin = later.number, later.text, 0
        position = 0
