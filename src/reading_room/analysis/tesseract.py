"""The program tesseract, which recognises text in images: whether it is installed, and for which languages."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAM = "tesseract"
PATHS = "/usr/bin:/bin"
DATA = (Path("/usr/share/tesseract-ocr"), Path("/usr/share/tessdata"))
"""Where Debian and others keep the data of languages."""
_NO_LANGUAGES = frozenset(("osd", "equ"))
"""Data that is not of a language: that of directions of text, and of formulas."""


def find_program() -> str | None:
    """Return the path of tesseract, or ``None`` if it is not installed."""
    return shutil.which(PROGRAM, path=PATHS)


def installed() -> list[str]:
    """Return tesseract's names of the languages that it has data for, sorted."""
    return sorted({path.stem for place in DATA for path in place.glob("**/*.traineddata")} - _NO_LANGUAGES)
