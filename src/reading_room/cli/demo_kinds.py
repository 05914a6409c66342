"""The part of the demo that shows every other kind of analysis on the same texts: all jobs at once, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from reading_room.analysis.kind import Layout
from reading_room.analysis.kinds import ANALYSES, JOB_KINDS
from reading_room.cli import reading
from reading_room.cli.screen import plain
from reading_room.cli.summaries import Summary, summary

SHOWN = 3


def start_all(account: reading.Account, request: Callable[[str, str], dict[str, Any]]) -> dict[str, str]:
    """Start a job of every kind that the demo shows and return their ids by kind.

    ``request`` returns the members that all requests have, for a prefix and a format.
    """
    return {
        kind.name: reading.JobCalls(account, kind.name).start(**request(demo.texts, demo.input_format), **demo.request)
        for kind in JOB_KINDS
        if (demo := kind.demo) is not None
    }


def wait_all(account: reading.Account, jobs: Mapping[str, str], seconds: float) -> dict[str, dict[str, Any]]:
    """Wait for the end of every job and return their properties by kind. Raises ``TimeoutError``."""
    return {kind: reading.JobCalls(account, kind).wait(job, seconds) for kind, job in jobs.items()}


def table_of(account: reading.Account, ended: Mapping[str, dict[str, Any]]) -> Table:
    """Return one row for each kind: how long it took from submission to end, and its most frequent findings."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("kind", "seconds", "for example"):
        table.add_column(column)
    for kind, properties in ended.items():
        layout = ANALYSES[kind].results.layout
        lines = [] if layout == "topics" else list(reading.results(account, properties))
        took = (properties["EndTime"] - properties["SubmitTime"]).total_seconds()
        found = summary(account, kind, properties, lines)
        table.add_row(kind, f"{took:.1f}", plain(_examples(layout, found) or found.nothing))
    return table


def _examples(layout: Layout, found: Summary) -> str:
    """Write the first rows as text: a name and its count, or the words of a topic."""
    if layout == "topics":
        return "; ".join(" ".join(terms.split(", ")[:4]) for _, terms, _ in found.rows[:SHOWN])
    if layout == "mentions":
        positive, negative = found.columns.index("positive"), found.columns.index("negative")
        return ", ".join(f"{row[0]} (+{row[positive]} −{row[negative]})" for row in found.rows[:SHOWN])
    return ", ".join(f"{row[0]} {row[-1]}" for row in found.rows[: SHOWN + 1])
