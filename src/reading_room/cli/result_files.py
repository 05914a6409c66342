"""The results of ``jobs run`` as a file, in the format that its suffix names: ``.jsonl``, ``.csv`` or ``.xlsx``."""

from __future__ import annotations

import csv
import itertools
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reading_room.cli.findings import Documents, Finding, Read, Sources, by_document, findings
from reading_room.cli.texts import FolderError

if TYPE_CHECKING:
    from xlsxwriter import Workbook

SUFFIXES = (".jsonl", ".csv", ".xlsx")
ROWS = 1_048_576
"""The most rows that a sheet may have, including its header."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a CSV cell begins that spreadsheets take for a formula, which may call programs."""


class NotWritten(FolderError):
    """The results could not be written, for example because the disk is full."""

    def __init__(self, output: Path, error: OSError) -> None:
        super().__init__(
            f"{output} cannot be written ({error.strerror}): make room there, or name another file with --output; the "
            "results are still in the bucket of the jobs"
        )


def check(output: Path | None) -> None:
    """Raise ``FolderError`` if the results could not be written to the file at the end."""
    if output is None:
        return
    if output.suffix.lower() not in SUFFIXES:
        raise FolderError(f"--output {output}: name a file that ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    for each in written(output):
        place = each if each.exists() else each.parent
        if each.is_dir() or not os.access(place, os.W_OK):
            raise FolderError(f"{each} cannot be written: name another file with --output")


def written(output: Path) -> list[Path]:
    """Return the files that are written for an output: a CSV file holds one table, so the summary is a second file."""
    beside = output.with_name(f"{output.stem}-documents{output.suffix}")
    return [output, beside] if output.suffix.lower() == ".csv" else [output]


def write(output: Path, reads: Sequence[Read], files: Sources, languages: Mapping[str, str]) -> None:
    """Write the results; a spreadsheet also gets a summary by document.

    Raises ``NotWritten``, and leaves no part of a file behind.
    """
    try:
        _WRITERS[output.suffix.lower()](output, reads, files, languages)
    except OSError as error:
        for each in written(output):
            each.unlink(missing_ok=True)
        raise NotWritten(output, error) from error


def _jsonl(output: Path, reads: Sequence[Read], files: Sources, languages: Mapping[str, str]) -> None:
    with output.open("w", encoding="utf-8") as file:
        for read in reads:
            for line in read.lines:
                file.write(json.dumps({"Kind": read.kind, **line}, ensure_ascii=False) + "\n")


def _csv(output: Path, reads: Sequence[Read], files: Sources, languages: Mapping[str, str]) -> None:
    whole, beside = written(output)
    documents = Documents(files)
    _csv_table(whole, Finding._fields, (row for read in reads for row in findings(read, documents)))
    columns, rows = by_document(reads, list(files), languages)
    _csv_table(beside, columns, rows)


def _csv_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # With the byte order mark, spreadsheets read it as UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_harmless(value) for value in row])


def _harmless(value: object) -> object:
    """Return a cell that a spreadsheet shows as it is: a leading apostrophe marks a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _xlsx(output: Path, reads: Sequence[Read], files: Sources, languages: Mapping[str, str]) -> None:
    from xlsxwriter import Workbook  # Only this needs it.
    from xlsxwriter.exceptions import FileCreateError

    documents = Documents(files)
    columns, rows = by_document(reads, list(files), languages)
    try:
        with Workbook(output, {"constant_memory": True}) as book:
            _fill(book, "findings", Finding._fields, (row for read in reads for row in findings(read, documents)))
            _fill(book, "documents", columns, rows)
    except FileCreateError as error:
        raise OSError(*error.args[0].args) from error  # It has the error of the file.


def _fill(book: Workbook, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table to a sheet, and rows that do not fit to further sheets."""
    bold = book.add_format({"bold": True})
    left = iter(rows)
    for number in itertools.count(1):
        sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(columns):
            sheet.set_column(column, column, 60 if title == "text" else 24 if title == "document" else 14)
            sheet.write_string(0, column, title, bold)
        at = 0
        for at, row in enumerate(itertools.islice(left, ROWS - 1), 1):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    # A cell that is written as a string is never a formula or a link.
                    sheet.write_string(at, column, value)
                elif value is not None:
                    sheet.write_number(at, column, value)
        if at < ROWS - 1:
            return


_WRITERS: Mapping[str, Callable[[Path, Sequence[Read], Sources, Mapping[str, str]], None]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".xlsx": _xlsx,
}
