"""Tables of results on a screen of any width, or in a pipe."""

from __future__ import annotations

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from reading_room.cli.screen import output as console
from reading_room.cli.screen import plain
from reading_room.cli.summaries import Summary

SHOWN = 20
"""Rows of a table, and errors, that are printed."""
LEAST_WIDTH = 20
"""The width to which a table's widest column may be narrowed. If it is still too wide, each row becomes a line."""


def print_summary(found: Summary, more: bool = True, most: int = SHOWN) -> None:
    """Print a table, at most ``most`` of its rows, and how many more it has.

    If it is wider than the screen, each row is printed as a line of column names and values.
    """
    if not found.rows:
        console.print(found.nothing)
        return
    shown = [tuple(plain(value) for value in values) for values in found.rows[:most]]
    titles = [column.replace("-", " ") for column in found.columns]
    cells = [max(cell_len(Text.from_markup(row[number]).plain) for row in shown) for number in range(len(titles))]
    widths = [max(cell_len(title), width) for title, width in zip(titles, cells, strict=True)]
    if sum(width + 2 for width in widths) > console.width:
        # A title may be broken between its words.
        words = [max(map(cell_len, title.split())) for title in titles]
        widths = [max(word, width) for word, width in zip(words, cells, strict=True)]
    widest = widths.index(max(widths))
    room = console.width - sum(width + 2 for width in widths) + widths[widest]
    if room < min(LEAST_WIDTH, widths[widest]):
        for name, *values in shown:
            parts = [f"{title} {value}" for title, value in zip(titles[1:], values, strict=True) if value]
            console.print(f"{name}: {', '.join(parts)}", soft_wrap=True)
    else:
        widths[widest] = min(widths[widest], room)
        table = Table(box=None, padding=(0, 2, 0, 0))
        for title, width in zip(titles, widths, strict=True):
            table.add_column(title, width=width, overflow="fold")
        for row in shown:
            table.add_row(*row)
        console.print(table)
    if (left := len(found.rows) - most) > 0:
        console.print(f"{left:,} more rows" + ("; --output FILE writes everything" if more else ""))
