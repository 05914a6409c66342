"""Text in images, recognised by the program tesseract: its command, and its answer as lines with boxes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping

from reading_room.analysis.readers.results import BROKEN, SHARES, UNSUPPORTED, Builder, ReadError
from reading_room.analysis.tesseract import PATHS, installed

LANGUAGES: Mapping[str, str] = {
    "en": "eng", "es": "spa", "fr": "fra", "de": "deu", "it": "ita", "pt": "por", "ar": "ara", "hi": "hin",
    "ja": "jpn", "ko": "kor", "zh": "chi_sim", "zh-TW": "chi_tra",
}  # fmt: skip
_ANSWER_BYTES = 16_777_216
_BOX = ("left", "top", "width", "height")
_PLACE = ("page_num", "block_num", "par_num", "line_num")

Ocr = Callable[[bytes, str | None, int], bytes]
"""Takes an image, a language code, and how many pages the image has; returns tesseract's table of words.

Raises ``ReadError``.
"""


def missing(*_: object) -> bytes:
    """Raise the error of an image where tesseract is not installed: an ``Ocr`` that cannot read."""
    raise ReadError(
        UNSUPPORTED,
        "its text is in images, and the host of the job has no tesseract; install Debian's package tesseract-ocr",
    )


def command(program: str, language: str | None, image: str) -> list[str]:
    """Return the command that writes the words of an image file to standard output."""
    return [program, image, "stdout", "-l", _data_of(language), "--psm", "3", "tsv"]


def environment() -> dict[str, str]:
    """Return the variables of tesseract: one thread, because each container has about one core."""
    return {"PATH": PATHS, "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1"}


def _data_of(language: str | None) -> str:
    """Return tesseract's name of a language, with English beside it, if its data is installed."""
    wanted = LANGUAGES.get(language or "en", "eng")
    return f"{wanted}+eng" if wanted != "eng" and wanted in installed() else "eng"


def add_words(table: bytes, builder: Builder) -> None:
    """Add the lines of tesseract's table to a builder; each of its pages after the first begins another.

    Raise ``ReadError`` if it is no such table.
    """
    rows = csv.DictReader(
        io.StringIO(table[:_ANSWER_BYTES].decode("utf-8", "replace"), newline=""),
        delimiter="\t",
        quoting=csv.QUOTE_NONE,
    )
    if not {"level", "text", *_BOX, *_PLACE} <= set(rows.fieldnames or ()):
        raise ReadError(BROKEN, "tesseract wrote no table of words for its image")
    page = (1.0, 1.0)
    line: tuple[object, ...] | None = None
    paragraph: tuple[object, ...] | None = None
    words: list[str] = []
    box = (0.0, 0.0, 0.0, 0.0)
    first = True

    def flush() -> None:
        if words:
            left, top, right, bottom = box
            width, height = page
            builder.line(" ".join(words), shares(left / width, top / height, right / width, bottom / height))
            words.clear()

    for row in rows:
        try:
            level, word = int(row["level"]), row["text"] or ""
            left, top, width, height = (float(row[name]) for name in _BOX)
        except (TypeError, ValueError):
            continue
        if not all(map(math.isfinite, (left, top, width, height))) or width < 0.0 or height < 0.0:
            continue
        if level == 1:
            flush()
            if not first:
                builder.next_page()
            first = False
            page = (max(width, 1.0), max(height, 1.0))
        elif level == 5 and word.strip():
            place = tuple(row[name] for name in _PLACE)
            if place != line:
                flush()
                if paragraph not in (None, place[:3]):
                    builder.line("")
                line, paragraph = place, place[:3]
                box = (left, top, left + width, top + height)
            words.append(word)
            box = (min(box[0], left), min(box[1], top), max(box[2], left + width), max(box[3], top + height))
    flush()


def shares(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    """Return a box as left, top, width and height, each within a page, with six decimals."""
    if left < 0.0 or top < 0.0 or right > 1.0 or bottom > 1.0:
        left, top, right, bottom = (min(max(each, 0.0), 1.0) for each in (left, top, right, bottom))
    # Faster than round(), and there is a box for each line.
    return (
        int(left * SHARES + 0.5) / SHARES,
        int(top * SHARES + 0.5) / SHARES,
        int((right - left) * SHARES + 0.5) / SHARES,
        int((bottom - top) * SHARES + 0.5) / SHARES,
    )
