"""A measurement as a row: what was measured, the figure, the bar, and how it was measured."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results."""

    what: str
    figure: str
    bar: str
    how: str


def median(values: Sequence[float]) -> float:
    """Return the median, because a mean is distorted by noise of the machine."""
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """Return median, minimum and maximum in words."""
    low, high = min(values) * scale, max(values) * scale
    return f"{median(values) * scale:.1f} {unit} ({low:.1f} to {high:.1f})"


def machine() -> str:
    """Return a description of the machine."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    system = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores {model}, {system}, load {load:.1f}"


def versions() -> str:
    """Return the versions of the libraries that influence the figures."""
    from importlib.metadata import version

    names = ("botocore", "uvicorn", "sqlalchemy", "spacy")
    return ", ".join(f"{name} {version(name)}" for name in names)


def record(title: str, rows: Sequence[Row]) -> None:
    """Print rows as a table, and append it to RESULTS.md under date and machine."""
    lines = [
        f"## {title}, {dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "",
        f"{machine()}; {versions()}.",
        "",
        "| what | figure | bar | how |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.figure} | {row.bar} | {row.how} |" for row in rows),
        "",
    ]
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if not RESULTS.exists():
        RESULTS.write_text(
            "# Results\n\nNewest last. Medians of interleaved runs; ratios are to the bare tool in the same run.\n\n"
        )
    with RESULTS.open("a") as file:
        file.write(text)
