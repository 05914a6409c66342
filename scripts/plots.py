"""Draw the figures of docs/quality.md for the pages of docs/kinds, and those of docs/growth.md for that page.

Run ``make docs`` after ``make quality`` or ``make growth``. Each figure between 0 and 1 is a bar, its interval a line
across the bar's end, floor and aim are marks. Growth is points between logarithmic axes, where a line parallel to
the dashed one is linear growth. The SVG is written by hand: a plot is a dozen lines of text, and a library would be
the repository's largest dependency.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "entities": ("entities", "custom_entities"),
    "key-phrases": ("key_phrases",),
    "syntax": ("syntax",),
    "dominant-language": ("language",),
    "sentiment": ("sentiment", "long_documents"),
    "targeted-sentiment": ("mentions",),
    "classification": ("classification", "multi_label"),
    "topics": ("topics",),
    "pii": ("pii",),
    "events": ("events",),
}
"""The sections of docs/quality.md in the plot of each kind's page."""

GROWTHS = ("documents", "jobs", "interfaces", "objects")
"""The sections of docs/growth.md."""

LEFT, WIDTH, ROW, TOP = 430, 420, 26, 34
"""Sizes in pixels: the names, the scale from 0 to 1, a row, the space above the first row."""
SIDE, MARGIN = 300, 60
"""Sizes in pixels: each axis of a growth plot, and the margin around it."""
FAILED, REACHED = "#c0504d", "#5b8db8"


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of docs/quality.md."""

    name: str
    value: float
    low: float
    high: float
    floor: float | None
    aim: float | None


def figures(page: str, section: str) -> list[Figure]:
    """Return the figures of a section without those of calibration, which are not comparable."""
    body = page.partition(f"<!-- {section}: begin -->")[2].partition(f"<!-- {section}: end -->")[0]
    found = []
    for line in body.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        interval = re.fullmatch(r"([0-9.]+) to ([0-9.]+)", cells[2]) if len(cells) >= 6 else None
        if interval is None or "calibration error" in cells[0] or "AUC" in cells[0]:
            continue
        name = re.sub(r"[*`]|\[|\]\([^)]*\)", "", cells[0])
        bounds = float(interval[1]), float(interval[2])
        found.append(Figure(name, float(cells[1]), *bounds, _bar(cells[4]), _bar(cells[5])))
    return found


def _bar(text: str) -> float | None:
    match = re.fullmatch(r"(?:≥ )?([0-9.]+)", text)
    return float(match[1]) if match else None


def plot(rows: Sequence[Figure]) -> str:
    """Return the drawing of figures."""
    if not rows:
        return _not_measured("make quality")
    height = TOP + ROW * len(rows) + 12
    size = LEFT + WIDTH + 60
    bottom = height - 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {height}" width="{size}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{size}" height="{height}" fill="#ffffff"/>',
    ]
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        parts.append(f'<line x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{bottom}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" fill="#666666">{tenth / 10:.1f}</text>')
    for number, row in enumerate(rows):
        parts += _row(row, TOP + ROW * number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(row: Figure, y: int) -> list[str]:
    middle = y + ROW // 2 - 2
    width = max(1.0, _x(row.value) - LEFT)
    colour = FAILED if row.floor is not None and row.value < row.floor else REACHED
    parts = [
        f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end" fill="#222222">{escape(_short(row.name))}</text>',
        f'<rect x="{LEFT}" y="{middle - 7}" width="{width:.1f}" height="14" fill="{colour}"/>',
        f'<line x1="{_x(row.low):.1f}" y1="{middle}" x2="{_x(row.high):.1f}" y2="{middle}" stroke="#1f3b57" '
        'stroke-width="2"/>',
        f'<text x="{LEFT + WIDTH + 10}" y="{middle + 4}" fill="#222222">{row.value:.3f}</text>',
    ]
    for mark, stroke, name in ((row.floor, FAILED, "floor"), (row.aim, "#3d8b40", "aim")):
        if mark is not None:
            parts.append(
                f'<line x1="{_x(mark):.1f}" y1="{middle - 10}" x2="{_x(mark):.1f}" y2="{middle + 10}" '
                f'stroke="{stroke}" stroke-width="2"><title>{name} {mark}</title></line>'
            )
    return parts


def _x(value: float) -> float:
    return LEFT + WIDTH * min(max(value, 0.0), 1.0)


def _short(name: str) -> str:
    return name if len(name) <= 66 else name[:65] + "…"


def _not_measured(command: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 30" width="400" height="30" '
        f'font-family="sans-serif" font-size="12"><text x="8" y="20">not measured yet: {command}</text></svg>\n'
    )


def points(page: str, section: str) -> list[tuple[float, float]]:
    """Return a section's sizes and seconds, smallest size first."""
    body = page.partition(f"<!-- {section}: begin -->")[2].partition(f"<!-- {section}: end -->")[0]
    rows = re.findall(r"^\| ([0-9,]+) \| ([0-9.,]+) \|", body, re.MULTILINE)
    return sorted((float(size.replace(",", "")), float(seconds.replace(",", ""))) for size, seconds in rows)


def curve(found: Sequence[tuple[float, float]], what: str) -> str:
    """Return the drawing of seconds over sizes, both logarithmic, with linear growth from the first as a dash."""
    if not found:
        return _not_measured("make growth")
    first, short = found[0]
    linear = [(first, short), (found[-1][0], short * found[-1][0] / first)]
    across = _decades([size for size, _ in found])
    up = _decades([seconds for _, seconds in [*found, *linear]])
    size = SIDE + 2 * MARGIN

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (
            (math.log10(value) - low) / (high - low) for value, (low, high) in zip(point, (across, up), strict=True)
        )
        return MARGIN + SIDE * x, MARGIN + SIDE * (1 - y)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}" height="{size}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{size}" height="{size}" fill="#ffffff"/>',
    ]
    for decade in range(across[0], across[1] + 1):
        x, _ = at((10.0**decade, 10.0 ** up[0]))
        parts.append(f'<line x1="{x:.1f}" y1="{MARGIN}" x2="{x:.1f}" y2="{MARGIN + SIDE}" stroke="#e3e3e3"/>')
        label = f"{10.0**decade:,.0f}"
        parts.append(f'<text x="{x:.1f}" y="{MARGIN + SIDE + 18}" text-anchor="middle" fill="#666666">{label}</text>')
    for decade in range(up[0], up[1] + 1):
        _, y = at((10.0 ** across[0], 10.0**decade))
        parts.append(f'<line x1="{MARGIN}" y1="{y:.1f}" x2="{MARGIN + SIDE}" y2="{y:.1f}" stroke="#e3e3e3"/>')
        label = f"{10.0**decade:,g} s"
        parts.append(f'<text x="{MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#666666">{label}</text>')
    middle = MARGIN + SIDE / 2
    parts.append(
        f'<text x="{middle}" y="{MARGIN + SIDE + 40}" text-anchor="middle" fill="#222222">{escape(what)}</text>'
    )
    parts.append(_line([at(point) for point in linear], "#888888", ' stroke-dasharray="5 4"', "linear growth"))
    parts.append(_line([at(point) for point in found], REACHED, "", "measured"))
    for point in found:
        x, y = at(point)
        name = f"{point[0]:,.0f} {what}: {point[1]:,.1f} s"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{REACHED}"><title>{escape(name)}</title></circle>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten below and above some values, at least one apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _line(places: Sequence[tuple[float, float]], stroke: str, more: str, name: str) -> str:
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return (
        f'<polyline points="{listed}" fill="none" stroke="{stroke}" stroke-width="2"{more}>'
        f"<title>{name}</title></polyline>"
    )


def growth_drawings() -> dict[Path, str]:
    """Return the plots of docs/growth.md, by file."""
    page = (DOCS / "growth.md").read_text()
    return {DOCS / "growth" / f"{name}.svg": curve(points(page, name), name) for name in GROWTHS}


def drawings() -> dict[Path, str]:
    """Return the plot of every kind, by file; a plot without figures says so."""
    page = (DOCS / "quality.md").read_text()
    return {
        DOCS / "kinds" / f"{kind}.svg": plot([figure for section in sections for figure in figures(page, section)])
        for kind, sections in SECTIONS.items()
    }


def main() -> int:
    """Draw the plot of every page."""
    for path, drawing in (drawings() | growth_drawings()).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawing)
        sys.stdout.write(f"wrote {path.relative_to(DOCS.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
