"""What a worker wants painted out of a PDF, as it tells the process that makes images of the pages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reading_room.analysis.readers.results import MarkedLine


class Marks(NamedTuple):
    """Lines with places that must not be seen, by their page, and the pages whose text was recognised in an image."""

    lines: Mapping[int, Sequence[MarkedLine]]
    scanned: frozenset[int]


def marks_json(lines: Sequence[MarkedLine], scanned: Sequence[int]) -> bytes:
    """Return marks as JSON."""
    return json.dumps({"lines": lines, "scanned": scanned}).encode()


def read_marks(data: bytes) -> Marks:
    """Return marks from their JSON."""
    given = json.loads(data)
    lines: dict[int, list[MarkedLine]] = defaultdict(list)
    for each in given["lines"]:
        lines[each[0]].append(MarkedLine(*each))
    return Marks(lines, frozenset(given["scanned"]))
