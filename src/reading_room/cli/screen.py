"""Where the commands print: one console for what was asked for, one for what went wrong; and foreign text made safe."""

from __future__ import annotations

import shutil
import sys
from typing import IO

from rich.console import Console
from rich.markup import escape

from reading_room.printable import escaped

PIPED_COLUMNS = 110
"""Least width where there is no terminal: tables in a pipe or a log are read later, on a screen that is not known."""


def make_console(*, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """Return a console as wide as the terminal, and at least ``PIPED_COLUMNS`` wide without one."""
    console = Console(stderr=stderr, file=file, highlight=False, emoji=False)
    if console.is_terminal:
        return console
    width = max(PIPED_COLUMNS, shutil.get_terminal_size().columns)
    return Console(stderr=stderr, file=file, highlight=False, emoji=False, width=width)


def plain(text: str) -> str:
    """Return text that came from a document, a file name or a message, for printing: it can neither steer the terminal
    nor be taken for markup, and a file name that is not UTF-8 is shown by its escaped bytes.
    """
    return escape(escaped(text))


output = make_console()
errors = make_console(stderr=True)


def say_version() -> None:
    """Print which version this is. Nothing of the program needs to be loaded for that."""
    from importlib.metadata import version  # Takes as long to load as all else here.

    sys.stdout.write(f"reading-room {version('reading-room')}\n")
