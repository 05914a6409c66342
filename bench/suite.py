"""Print the costs of tests as tables: ``python -m bench.suite COSTS``.

``READING_ROOM_TEST_COSTS=COSTS make test`` writes the file. Each line is an object: ``test``, ``kind``, ``wall`` and
``processor`` in seconds.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SLOWEST = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One test and its costs, in seconds."""

    test: str
    kind: str
    wall: float
    processor: float

    @property
    def folder(self) -> str:
        """The test's folder."""
        return self.test.split("/")[1]


def read(path: Path) -> list[Line]:
    """Return the lines of a file."""
    return [Line(**json.loads(line)) for line in path.read_text().splitlines()]


def sums(lines: Iterable[Line], title: str) -> Iterator[str]:
    """Yield a table of tests, wall and processor seconds by an attribute of the lines, most expensive first."""
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        groups[getattr(line, title)].append(line)
    yield f"| {title} | tests | wall, s | processor, s |"
    yield "|---|---:|---:|---:|"
    for name, found in sorted(groups.items(), key=lambda each: -sum(line.wall for line in each[1])):
        wall, processor = sum(line.wall for line in found), sum(line.processor for line in found)
        yield f"| {name} | {len(found)} | {wall:.0f} | {processor:.0f} |"


def slowest(lines: Iterable[Line], count: int = SLOWEST) -> Iterator[str]:
    """Yield a table of the slowest tests."""
    yield "| wall, s | processor, s | test |"
    yield "|---:|---:|---|"
    for line in sorted(lines, key=lambda each: -each.wall)[:count]:
        yield f"| {line.wall:.1f} | {line.processor:.1f} | `{line.test.removeprefix('tests/')}` |"


def main() -> None:
    """Print the three tables of a file."""
    lines = read(Path(sys.argv[1]))
    for table in (sums(lines, "kind"), sums(lines, "folder"), slowest(lines)):
        print("\n".join(table), end="\n\n")


if __name__ == "__main__":
    main()
