"""The order in which test files run, and the number of workers.

pytest-xdist gives the next file to the next free worker. Slow files come first, so that short ones fill the gaps at the
end of the run. The last worker begins with the shortest (``schedule``).
"""

from __future__ import annotations

import os
from collections import defaultdict

import pytest

from tests.suite.kinds import Kind, allowance, kind_of

_PLACE = {Kind.END_TO_END: 0, Kind.KERNEL: 1}
_LAST = 2


def longest_first(items: list[pytest.Item]) -> None:
    """Sort tests in place: files with a product first, then those with a kernel, then the rest by what they may take.

    The tests of a file stay together, in their order. So do files with a product, because those of a folder share it.
    """
    places: dict[str, int] = {}
    budgets: dict[str, float] = defaultdict(float)
    for item in items:
        file, place = str(item.path), _PLACE.get(kind_of(item), _LAST)
        places[file] = min(place, places.get(file, place))
        budgets[file] += allowance(item)
    items.sort(key=lambda item: _key(places[str(item.path)], budgets[str(item.path)]))


def _key(place: int, budget: float) -> tuple[int, float]:
    return place, -budget if place == _LAST else 0


def workers() -> int:
    """Return the number of workers: one more than cores for tests that wait for a product, and one for the others."""
    return len(os.sched_getaffinity(0)) + 2
