"""docs/quality.md: a generated section per task between markers, so that a run rewrites what it measures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from bench.quality.corpora import Corpora
from bench.quality.rows import Row

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"
HEAD = "| what | figure | 95 % interval | measured on | floor | aim | |\n|---|---|---|---|---|---|---|"


def table(rows: Sequence[Row]) -> str:
    """Return rows as a Markdown table. A ceiling stands in the column of the floor, after a ≤."""
    return "\n".join([HEAD, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    estimate = row.estimate
    bar = f"≤ {_bar(row.ceiling)}" if row.ceiling is not None else ""
    bar = f"≥ {_bar(row.floor)}" if row.floor is not None else bar
    last = "; ".join(part for part in (row.verdict, row.note) if part)
    cells = (
        row.what,
        f"{estimate.value:.3f}",
        f"{estimate.low:.3f} to {estimate.high:.3f}",
        row.size,
        bar,
        "" if row.aim is None else _bar(row.aim),
        last,
    )
    return "| " + " | ".join(cells) + " |"


def _bar(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0") if value * 100 % 1 else f"{value:.2f}"


def section(title: str, how: str, rows: Sequence[Row], day: dt.date) -> str:
    """Return a task's section: title, definition, date, table."""
    return f"## {title}\n\n{how.strip()}\n\nMeasured on {day:%Y-%m-%d}.\n\n{table(rows)}\n"


def sources(corpora: Corpora) -> str:
    """Return the section that names the repositories."""
    lines = [
        f"| [{each.name}]({each.address}) | `{each.revision[:12]}` | {each.licence} | {each.holds} |"
        for each in sorted(corpora.repositories.values(), key=lambda each: each.name.lower())
    ]
    return "\n".join(["| repository | revision | licence | holds |", "|---|---|---|---|", *lines]) + "\n"


def glance(page: str) -> str:
    """Return a table of every figure that has a floor or a ceiling, with its section."""
    rows = ["| section | what | figure | 95 % interval | bar | aim | |", "|---|---|---|---|---|---|---|"]
    title = ""
    for line in page.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("## "):
            title = line.removeprefix("## ").partition(" (`")[0]
        elif line.startswith("| ") and len(cells) == 7 and cells[4].startswith(("≥", "≤")):
            what, figure, interval, _, bar, aim, last = cells
            rows.append(f"| {title} | {what} | {figure} | {interval} | {bar} | {aim} | {last.partition(';')[0]} |")
    return "\n".join(rows) + "\n"


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with the text between the markers of ``name`` replaced.

    Raises ``ValueError`` if a marker is missing.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no section between '{begin.strip()}' and '{end}'")
    return before + begin + text.rstrip() + "\n" + end + after
