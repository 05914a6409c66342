"""Tables: CSV, Excel workbooks and JSON Lines. Each cell is a line, or the cells of one column by its name."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reading_room.analysis.readers.markup import Target, attribute, parse
from reading_room.analysis.readers.plain import decode
from reading_room.analysis.readers.results import BROKEN, TOO_LARGE, Builder, Extracted, Limits, ReadError
from reading_room.analysis.readers.zipped import Zipped

_DELIMITERS = ",;\t|"
_HEAD = 4_096
_NAMED = 20
"""How many columns an error names."""
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""The number formats of Excel that show dates and times."""
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_DAYS = 2_958_466
"""The first day that Excel does not know: the year 10,000."""
_EPOCHS = (dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1))

Cell = tuple[int, str]
"""The number of a column, and a text."""


def read_csv(content: bytes, limits: Limits, column: str | None) -> Extracted:
    """Return the cells of a table in CSV, whose first row names the columns if one is wanted. Raise ``ReadError``."""
    text, encoding = decode(content)
    builder = Builder(limits)
    csv.field_size_limit(limits.text_characters)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    _add(_rows(reader), builder, column)
    return Extracted("", "csv", builder.text(), tuple(builder.blocks), encoding=encoding)


def _delimiter(text: str) -> str:
    first = text[:_HEAD].partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _rows(reader: Iterable[list[str]]) -> Iterator[list[Cell]]:
    try:
        for row in reader:
            yield list(enumerate(row))
    except csv.Error as error:
        raise ReadError(BROKEN, f"it is not CSV: {error}") from None


def _add(rows: Iterator[list[Cell]], builder: Builder, column: str | None) -> None:
    """Add the cells of a table, or of one of its columns."""
    limits = builder.limits
    cells = 0
    wanted: int | None = None
    for number, row in enumerate(rows):
        if len(row) > limits.columns:
            raise ReadError(BROKEN, f"its row {number + 1:,} has more than {limits.columns:,} columns")
        cells += len(row)
        if cells > limits.cells:
            raise ReadError(TOO_LARGE, f"it has more than {limits.cells:,} cells")
        if column is None:
            for _, text in row:
                if text.strip():
                    builder.line(text)
        elif number == 0:
            wanted = _named(row, column)
        else:
            for place, text in row:
                if place == wanted and text.strip():
                    builder.line(text)


def _named(header: list[Cell], column: str) -> int:
    for place, text in header:
        if text.strip().casefold() == column.strip().casefold():
            return place
    names = [text.strip()[:80] for _, text in header if text.strip()]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    raise ReadError(BROKEN, f"it has no column {column!r}; it has {', '.join(names[:_NAMED]) or 'none'}{more}")


def read_json_lines(content: bytes, limits: Limits, column: str | None) -> Extracted:
    """Return one member of each object, or all strings in each line. Raise ``ReadError``."""
    text, encoding = decode(content)
    builder = Builder(limits)
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ReadError(BROKEN, f"its line {number:,} is not JSON") from None
        if column is not None:
            if not isinstance(value, dict) or column not in value:
                names = [each[:80] for each in value][:_NAMED] if isinstance(value, dict) else []
                raise ReadError(
                    BROKEN, f"its line {number:,} has no member {column!r}; it has {', '.join(names) or 'none'}"
                )
            value = value[column]
        for each in _strings(value, limits):
            builder.line(each)
    return Extracted("", "jsonl", builder.text(), tuple(builder.blocks), encoding=encoding)


def _strings(value: Any, limits: Limits) -> Iterator[str]:
    """Yield the strings in a value, in their order."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            # JSON can name half of a surrogate pair, which is no character.
            yield each.encode("utf-8", "replace").decode()
        elif isinstance(each, dict):
            left += reversed(each.values())
        elif isinstance(each, list):
            left += reversed(each)


class _Strings(Target):
    """The shared strings of a workbook."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.found: list[str] = []
        self._pieces: list[str] = []
        self._taking = False
        self._phonetic = 0

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin a string or a run of it."""
        if name == "rPh":
            self._phonetic += 1
        self._taking = name == "t" and not self._phonetic

    def data(self, text: str) -> None:
        """Take text."""
        if self._taking:
            self._pieces.append(text)

    def closed(self, name: str) -> None:
        """End a string."""
        self._taking = False
        if name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self.found.append("".join(self._pieces))
            self._pieces.clear()
            if len(self.found) > self._limits.cells:
                raise ReadError(TOO_LARGE, f"it has more than {self._limits.cells:,} strings")


class _Book(Target):
    """The sheets of a workbook in their order, its relations, and which cell styles show dates."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.sheets: list[str] = []
        self.targets: dict[str, str] = {}
        self.dates: list[bool] = []
        self.since_1904 = False
        self._formats: dict[str, str] = {}
        self._in_styles = False

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an entry."""
        if name == "sheet":
            self.sheets.append(attribute(attributes, "id") or "")
        elif name == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif name == "numFmt":
            self._formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_styles = True
        elif name == "xf" and self._in_styles:
            self.dates.append(self._is_date(attributes.get("numFmtId", "0")))

    def closed(self, name: str) -> None:
        """End an entry."""
        if name == "cellXfs":
            self._in_styles = False

    def _is_date(self, number: str) -> bool:
        code = self._formats.get(number)
        if code is None:
            return number.isascii() and number.isdigit() and int(number[:6]) in _DATES
        return any(letter in _QUOTED.sub("", code).lower() for letter in "ymdhs") and "general" not in code.lower()


class _Sheet(Target):
    """Collects the cells of a sheet in rows."""

    def __init__(self, limits: Limits, book: _Book, strings: list[str]) -> None:
        super().__init__(limits)
        self.rows: list[list[Cell]] = []
        self._book = book
        self._strings = strings
        self._row: list[Cell] = []
        self._cells = self._characters = 0
        self._kind = self._style = ""
        self._column = -1
        self._pieces: list[str] = []
        self._taking = False

    def opened(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin a row, a cell or its value."""
        if name == "row":
            self._row, self._column = [], -1
        elif name == "c":
            self._column = _column_of(attributes.get("r", ""), self._column + 1)
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._pieces.clear()
        self._taking = name == "v" or (name == "t" and self._kind == "inlineStr")

    def data(self, text: str) -> None:
        """Take text."""
        if self._taking:
            self._pieces.append(text)

    def closed(self, name: str) -> None:
        """End a row or a cell."""
        self._taking = False
        if name == "row":
            self.rows.append(self._row)
        elif name == "c" and self._pieces:
            text = self._value("".join(self._pieces))
            self._cells += 1
            self._characters += len(text)
            if self._cells > self._limits.cells:
                raise ReadError(TOO_LARGE, f"it has more than {self._limits.cells:,} cells")
            if self._characters > self._limits.text_characters:
                raise ReadError(TOO_LARGE, f"it has more than {self._limits.text_characters:,} characters of text")
            self._row.append((self._column, text))

    def _value(self, text: str) -> str:
        if self._kind == "s":
            place = int(text[:9]) if text.isascii() and text.isdigit() else len(self._strings)
            return self._strings[place] if place < len(self._strings) else ""
        if self._kind == "b":
            return "TRUE" if text == "1" else "FALSE"
        style = int(self._style[:9]) if self._style.isascii() and self._style.isdigit() else 0
        if self._kind == "n" and style < len(self._book.dates) and self._book.dates[style]:
            return _date(text, self._book.since_1904)
        return text


def _column_of(reference: str, following: int) -> int:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return following
    number = 0
    for letter in found[1]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _date(text: str, since_1904: bool) -> str:
    """Return the date and time of Excel's number of days, or the number if it is none."""
    try:
        days = float(text)
        if not 0 <= days < _DAYS:
            return text
        found = _EPOCHS[since_1904] + dt.timedelta(days=days)
    except (ValueError, OverflowError):
        return text
    found = (found + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    if days < 1:
        return found.time().isoformat()
    return found.date().isoformat() if found.time() == dt.time() else found.isoformat(" ")


def read_excel(content: bytes, limits: Limits, column: str | None) -> Extracted:
    """Return the cells of a workbook; each sheet is a page. Formulas and macros are not run. Raise ``ReadError``."""
    archive = Zipped(content, limits)
    book, strings = _Book(limits), _Strings(limits)
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"):
        if name in archive.names or name == "xl/workbook.xml":
            parse(archive.read(name), book, name)
    if "xl/sharedStrings.xml" in archive.names:
        parse(archive.read("xl/sharedStrings.xml"), strings, "xl/sharedStrings.xml")
    builder = Builder(limits)
    for place, each in enumerate(book.sheets):
        if place:
            builder.next_page()
        target = book.targets.get(each, f"worksheets/sheet{place + 1}.xml")
        name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if "worksheets/" not in name:
            continue  # A sheet with nothing but a chart.
        sheet = _Sheet(limits, book, strings.found)
        parse(archive.read(name), sheet, name)
        if sheet.rows:
            _add(iter(sheet.rows), builder, column)
    return Extracted("", "excel", builder.text(), tuple(builder.blocks), max(len(book.sheets), 1))
