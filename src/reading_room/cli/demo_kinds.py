"""The part of the demo that shows every other kind of analysis on the same texts: all jobs at once, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table

from reading_room.cli import reading
from reading_room.cli.screen import plain
from reading_room.cli.summaries import summary

LINES = "ONE_DOC_PER_LINE"
FILES = "ONE_DOC_PER_FILE"
ALL, LAST = "speeches/", "speeches/1921"
KINDS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "key-phrases": (ALL, FILES, {}),
    "dominant-language": (ALL, LINES, {}),
    # Sentiment is about short texts, of 5 and 10 KB at most: a paragraph each.
    "sentiment": (ALL, LINES, {}),
    # Two models read every word: one speech shows it, and the demo keeps to its minute.
    "targeted-sentiment": (LAST, LINES, {}),
    "topics": (ALL, LINES, {"NumberOfTopics": 5}),
}
"""The kinds besides entities: which speeches, what is one document, and the request's members that only this has."""
SHOWN = 3


def start_all(account: reading.Account, request: Callable[[str, str], dict[str, Any]]) -> dict[str, str]:
    """Start a job of every kind and return their ids; ``request`` makes what all have, of a prefix and a format."""
    return {
        kind: reading.JobCalls(account, kind).start(**request(prefix, form), **own)
        for kind, (prefix, form, own) in KINDS.items()
    }


def wait_all(account: reading.Account, jobs: Mapping[str, str], seconds: float) -> dict[str, dict[str, Any]]:
    """Wait for the end of every job and return their properties by kind. Raises ``TimeoutError``."""
    return {kind: reading.JobCalls(account, kind).wait(job, seconds) for kind, job in jobs.items()}


def table_of(account: reading.Account, ended: Mapping[str, dict[str, Any]]) -> Table:
    """Return one row for each kind: how long it took from submission to end, and the most frequent of what it found."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("kind", "seconds", "for example"):
        table.add_column(column)
    for kind, properties in ended.items():
        lines = [] if kind == "topics" else list(reading.results(account, properties))
        took = (properties["EndTime"] - properties["SubmitTime"]).total_seconds()
        found = summary(account, kind, properties, lines)
        table.add_row(kind, f"{took:.1f}", plain(_examples(kind, found.columns, found.rows) or found.nothing))
    return table


def _examples(kind: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    """Write the first rows as text: a name and its count, or the words of a topic."""
    if kind == "topics":
        return "; ".join(" ".join(terms.split(", ")[:4]) for _, terms, _ in rows[:SHOWN])
    if kind == "targeted-sentiment":
        positive, negative = columns.index("positive"), columns.index("negative")
        return ", ".join(f"{row[0]} (+{row[positive]} −{row[negative]})" for row in rows[:SHOWN])
    return ", ".join(f"{row[0]} {row[-1]}" for row in rows[: SHOWN + 1])
