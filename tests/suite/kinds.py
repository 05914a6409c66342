"""The kinds of tests: their budgets, and the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pytest


@dataclass(frozen=True, slots=True)
class Cost:
    """What a test took, including setup and teardown, in seconds."""

    wall: float
    processor: float
    """Processor time of the process that ran the test and of the children that it waited for."""


class Kind(Enum):
    """A kind of test: its name, and its budget in seconds."""

    PURE = "pure", 0.010
    IN_PROCESS = "in process", 0.050
    PROPERTY = "property", 0.5
    KERNEL = "kernel", 1.0
    END_TO_END = "end to end", 3.0

    def __init__(self, title: str, seconds: float) -> None:
        self.title = title
        self.seconds = seconds

    def spent(self, cost: Cost) -> float:
        """Return the seconds that count: processor time if the test process does all the work, else wall-clock time.

        Processor time depends little on what else the machine does. Kernel and end-to-end tests mostly use processes
        that they do not wait for, so only the wall clock measures them. A later test may wait for such a process; its
        processor time is then larger than its wall-clock time, and the smaller one counts.
        """
        return cost.wall if self in (Kind.KERNEL, Kind.END_TO_END) else min(cost.processor, cost.wall)


PURE_FOLDERS = frozenset({"analysis", "architecture", "aws", "conformance", "dataplane", "fuzz", "settings", "suite"})
"""Folders of tests without a database or an application: values in, values out."""


def kind_of(item: pytest.Item) -> Kind:
    """Return the kind of a test, from its marks, its folder, and whether hypothesis draws its examples."""
    if item.get_closest_marker("e2e") or item.get_closest_marker("chaos") or item.get_closest_marker("boot"):
        return Kind.END_TO_END
    if item.get_closest_marker("network"):
        return Kind.KERNEL
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return Kind.PROPERTY
    return Kind.PURE if item.path.parent.name in PURE_FOLDERS else Kind.IN_PROCESS


LOADING_SECONDS = 2.0
"""What the first test of a file may take in addition, because it loads and starts what the other tests reuse."""


def allowance(item: pytest.Item, first: bool = False) -> float:
    """Return a test's budget in seconds: that of its mark ``costs``, which has a reason, or else that of its kind."""
    mark = item.get_closest_marker("costs")
    seconds = float(mark.args[0]) if mark is not None else kind_of(item).seconds
    return seconds + LOADING_SECONDS if first else seconds
