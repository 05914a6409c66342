"""Printing from commands: a console for results, a console for errors, and escapes for text of others."""

from __future__ import annotations

import shutil
import sys
from typing import IO, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from reading_room.printable import escaped
from reading_room.versions import VERSION

PIPED_COLUMNS = 110
"""The least width without a terminal: tables in a pipe or a log are read later, on an unknown screen."""


class _Console(Console):
    """A console that prints no control characters but line ends and tabs, whatever text it gets."""

    def render_str(self, text: str, **options: Any) -> Text:  # rich's name
        """Return a text, or a cell of a table, as rich renders it."""
        return super().render_str(escaped(text, keep="\n\t"), **options)


def make_console(*, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """Return a console as wide as the terminal, and at least ``PIPED_COLUMNS`` wide without one."""
    console = _Console(stderr=stderr, file=file, highlight=False, emoji=False)
    if console.is_terminal:
        return console
    width = max(PIPED_COLUMNS, shutil.get_terminal_size().columns)
    return _Console(stderr=stderr, file=file, highlight=False, emoji=False, width=width)


def plain(text: str) -> str:
    """Return text from a document, a file name or a message in a form that is safe to print.

    It can neither control the terminal nor pass for markup. Bytes of a file name that are not UTF-8 are escaped.
    """
    return escape(escaped(text))


output = make_console()
errors = make_console(stderr=True)


def print_line(line: str) -> None:
    """Print a line for programs and people in one write, because other processes write to the same terminal.

    If Python does not buffer, as under make, ``print`` writes the end of a line separately.
    """
    print(f"{line}\n", end="", flush=True)


def say(message: str) -> None:
    """Print a line for the person who started ``up``: never wrapped, so that it can be copied."""
    errors.print(message, soft_wrap=True, markup=False)


def fail(message: str) -> typer.Exit:
    """Print an error and return the exception to raise."""
    # A message quotes names, policies and documents: nothing in it is markup.
    errors.print("[bold red]reading-room:[/] ", end="")
    errors.print(escaped(message, keep="\n"), soft_wrap=True, markup=False)
    return typer.Exit(1)


def print_version() -> None:
    """Print the version."""
    sys.stdout.write(f"reading-room {VERSION}\n")
