"""The order in which test files run, and the number of workers.

pytest-xdist gives the next file to the next free worker. Slow files come first, so that the many short files at the end
fill the gaps. The last worker begins with those (``schedule``).
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
    """Return the number of workers: one more than cores for tests that wait for a product, and one for the others."""
    return len(os.sched_getaffinity(0)) + 2
