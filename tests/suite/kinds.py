"""The kinds of tests: what each may cost, and in which order they run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pytest


@dataclass(frozen=True, slots=True)
class Cost:
    """What a test took, setup and teardown included; both in seconds."""

    wall: float
    processor: float
    """Of the process that ran it and of the children that it waited for."""


class Kind(Enum):
    """A kind of test: its name, and the seconds that one may take."""

    PURE = "pure", 0.010
    IN_PROCESS = "in process", 0.050
    PROPERTY = "property", 0.5
    KERNEL = "kernel", 1.0
    END_TO_END = "end to end", 3.0

    def __init__(self, title: str, seconds: float) -> None:
        self.title = title
        self.seconds = seconds

    def spent(self, cost: Cost) -> float:
        """Return the seconds that count: those of the processor where the test process does all the work itself.

        They depend little on what else the machine does. Most of what the other two kinds cost is in processes that
        the test does not wait for, so only the wall clock tells. What it starts may be waited for in a later test,
        which then seems to have used more than the clock went on.
        """
        return cost.wall if self in (Kind.KERNEL, Kind.END_TO_END) else min(cost.processor, cost.wall)


PURE_FOLDERS = frozenset({"analysis", "architecture", "aws", "conformance", "dataplane", "fuzz", "settings", "suite"})
"""Folders whose tests take values and give values; those of the others have a database or a whole application."""


def kind_of(item: pytest.Item) -> Kind:
    """Return the kind of a test, by its marks, its folder, and whether it draws examples."""
    if item.get_closest_marker("e2e") or item.get_closest_marker("chaos") or item.get_closest_marker("boot"):
        return Kind.END_TO_END
    if item.get_closest_marker("network"):
        return Kind.KERNEL
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return Kind.PROPERTY
    return Kind.PURE if item.path.parent.name in PURE_FOLDERS else Kind.IN_PROCESS


LOADING_SECONDS = 2.0
"""What the first test of a file may take more: it loads, and starts, what the others of its file have then."""


def allowance(item: pytest.Item, first: bool = False) -> float:
    """Return the seconds that a test may take: those of its kind, or of its mark ``costs``, which has a reason."""
    mark = item.get_closest_marker("costs")
    seconds = float(mark.args[0]) if mark is not None else kind_of(item).seconds
    return seconds + LOADING_SECONDS if first else seconds
