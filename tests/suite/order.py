"""In which order the files of tests run, and by how many workers.

pytest-xdist hands out one file after the other, whichever worker is free next. So what takes long comes first, and the
many short files at the end fill the gaps.
"""

from __future__ import annotations

import os

import pytest

from tests.suite.kinds import Kind, kind_of

_PLACE = {Kind.END_TO_END: 0, Kind.KERNEL: 1, Kind.PROPERTY: 2, Kind.IN_PROCESS: 3, Kind.PURE: 3}


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests in place: files with a product first, then those with a kernel, then property tests and the rest.

    The tests of a file stay together, in their order.
    """
    first: dict[str, int] = {}
    for item in items:
        place = _PLACE[kind_of(item)]
        first[str(item.path)] = min(place, first.get(str(item.path), place))
    items.sort(key=lambda item: first[str(item.path)])


def workers() -> int:
    """Return how many workers run tests: two more than there are cores, because many tests wait for a product."""
    return len(os.sched_getaffinity(0)) + 2
