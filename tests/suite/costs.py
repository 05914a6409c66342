"""What tests cost: measured where they run, and told at the end of the run, by kind and by worker."""

from __future__ import annotations

import json
import os
import resource
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from tests.suite.kinds import Cost, Kind, allowance, kind_of

PROPERTY = "reading_room_cost"
"""The name under which a test's report carries what it cost."""
SLOW_MACHINE = 3.0
"""How much more than allowed a test may take before it is told of: a busy machine is up to so much slower."""
TOLD = 30
"""Tests over their budget that are told by name."""
RECORD = "READING_ROOM_TEST_COSTS"
"""The environment variable that names a file for the cost of each test, a JSON object a line."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one test took, and what it may take."""

    test: str
    worker: str
    kind: Kind
    cost: Cost
    allowed: float

    @property
    def over(self) -> float:
        """How many times what is allowed it took."""
        return self.kind.spent(self.cost) / self.allowed


class Measure:
    """Writes what each test takes into the report of its teardown, in the process that runs it."""

    def __init__(self) -> None:
        self._wall = self._processor = 0.0
        self._file: Path | None = None
        self._first = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Look at the clocks before the setup."""
        self._first, self._file = item.path != self._file, item.path
        self._wall, self._processor = time.monotonic(), processor_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Look at them again after the teardown."""
        report = yield
        if call.when == "teardown":
            wall, processor = time.monotonic() - self._wall, processor_seconds() - self._processor
            allowed = allowance(item, self._first)
            told = {"kind": kind_of(item).name, "wall": wall, "processor": processor, "allowed": allowed}
            report.user_properties.append((PROPERTY, told))
        return report


def processor_seconds() -> float:
    """Return the processor time of this process and of the children that it waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Tell:
    """Gathers the reports of all workers, and tells at the end of a run of many tests what they took."""

    def __init__(self, record: Path | None = None) -> None:
        self._record = record
        self._spent: list[Spent] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test took."""
        for name, told in report.user_properties:
            if name == PROPERTY and isinstance(told, dict):
                worker = getattr(report, "worker_id", "alone")
                cost = Cost(told["wall"], told["processor"])
                self._spent.append(Spent(report.nodeid, worker, Kind[told["kind"]], cost, told["allowed"]))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Tell the sums, and which tests cost more than they may."""
        if self._record is not None:
            self._record.write_text("".join(f"{line}\n" for line in lines_of(self._spent)))
        if terminalreporter.config.getoption("durations") is None:
            return
        for title, groups in (("kind", self._by_kind()), ("worker", self._by_worker())):
            terminalreporter.section(f"time by {title}: tests, seconds, seconds of the processor")
            for name, (count, wall, processor) in groups.items():
                terminalreporter.line(f"{name:<12} {count:>6} {wall:>8.1f} {processor:>8.1f}")
        if over := over_budget(self._spent):
            terminalreporter.section(f"{len(over)} tests cost more than they may (CONTRIBUTING.md)")
            for each in over[:TOLD]:
                took, allowed = each.kind.spent(each.cost), each.allowed
                terminalreporter.line(f"{took:>7.2f} s of {allowed:g} s, {each.kind.title}: {each.test}")

    def _by_kind(self) -> dict[str, tuple[int, float, float]]:
        return {kind.title: _sum(each for each in self._spent if each.kind is kind) for kind in Kind}

    def _by_worker(self) -> dict[str, tuple[int, float, float]]:
        found: dict[str, list[Spent]] = defaultdict(list)
        for each in self._spent:
            found[each.worker].append(each)
        return {worker: _sum(found[worker]) for worker in sorted(found)}


def _sum(spent: Iterable[Spent]) -> tuple[int, float, float]:
    costs = [each.cost for each in spent]
    return len(costs), sum(cost.wall for cost in costs), sum(cost.processor for cost in costs)


def over_budget(spent: Iterable[Spent]) -> list[Spent]:
    """Return the tests that cost too much even for a slow machine, the worst first."""
    return sorted((each for each in spent if each.over > SLOW_MACHINE), key=lambda each: -each.over)


def lines_of(spent: Iterable[Spent]) -> Iterator[str]:
    """Yield what each test took as a line of JSON: ``test``, ``kind``, and ``wall`` and ``processor`` in seconds."""
    for each in spent:
        yield json.dumps(
            {
                "test": each.test,
                "kind": each.kind.title,
                "wall": round(each.cost.wall, 4),
                "processor": round(each.cost.processor, 4),
            }
        )


def told_to() -> Path | None:
    """Return the file that the environment names for the cost of each test."""
    return Path(os.environ[RECORD]) if os.environ.get(RECORD) else None
