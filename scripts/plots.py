"""Draw the figures of docs/quality.md for the pages of docs/kinds: ``make docs`` after ``make quality``.

One bar for each figure between 0 and 1, its interval as a line across the end, floor and aim as marks. SVG by hand: a
plot is a dozen lines of text, and a library for it would be the largest dependency of the repository.
"""

from __future__ import annotations

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
}
"""The page of each kind, and the sections of docs/quality.md that its plot shows."""

LEFT, WIDTH, ROW, TOP = 430, 420, 26, 34
"""Pixels: of the names, of the scale from 0 to 1, of a row, above the first row."""
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
    """Return the figures of a section; those of the calibration are no bars to compare, and are left out."""
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
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 30" width="400" height="30" '
            'font-family="sans-serif" font-size="12"><text x="8" y="20">not measured yet: make quality</text></svg>\n'
        )
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


def drawings() -> dict[Path, str]:
    """Return every plot by the file that it belongs in; one without figures says so."""
    page = (DOCS / "quality.md").read_text()
    return {
        DOCS / "kinds" / f"{kind}.svg": plot([figure for section in sections for figure in figures(page, section)])
        for kind, sections in SECTIONS.items()
    }


def main() -> int:
    """Draw the plot of every page."""
    for path, drawing in drawings().items():
        path.write_text(drawing)
        sys.stdout.write(f"wrote {path.relative_to(DOCS.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
