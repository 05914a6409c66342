"""The costs of tests: measured in the process that runs them, and summed by kind and worker at the end of the run."""

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
"""The name of a report's property that holds the cost of its test."""
SLOW_MACHINE = 3.0
"""How many times its budget a test may take before it is reported: a busy machine can be this much slower."""
LISTED = 30
"""The number of tests over their budget that are listed by name."""
RECORD = "READING_ROOM_TEST_COSTS"
"""The environment variable with the name of a file for the costs of all tests, one JSON object per line."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one test took, and its budget."""

    test: str
    worker: str
    kind: Kind
    cost: Cost
    allowed: float

    @property
    def over(self) -> float:
        """How many times its budget the test took."""
        return self.kind.spent(self.cost) / self.allowed


class Measure:
    """Adds each test's cost to the report of its teardown, in the process that runs the test."""

    def __init__(self) -> None:
        self._wall = self._processor = 0.0
        self._file: Path | None = None
        self._first = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Read the clocks before the setup."""
        self._first, self._file = item.path != self._file, item.path
        self._wall, self._processor = time.monotonic(), processor_seconds()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Read the clocks again after the teardown."""
        report = yield
        if call.when == "teardown":
            wall, processor = time.monotonic() - self._wall, processor_seconds() - self._processor
            allowed = allowance(item, self._first)
            values = {"kind": kind_of(item).name, "wall": wall, "processor": processor, "allowed": allowed}
            report.user_properties.append((PROPERTY, values))
        return report


def processor_seconds() -> float:
    """Return the processor time of this process and of the children that it waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Summary:
    """Collects the costs from the reports of all workers, and prints a summary at the end of a run of many tests."""

    def __init__(self, record: Path | None = None) -> None:
        self._record = record
        self._spent: list[Spent] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Store the cost of a test."""
        for name, values in report.user_properties:
            if name == PROPERTY and isinstance(values, dict):
                worker = getattr(report, "worker_id", "alone")
                cost = Cost(values["wall"], values["processor"])
                self._spent.append(Spent(report.nodeid, worker, Kind[values["kind"]], cost, values["allowed"]))

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print the sums, and the tests that exceeded their budgets."""
        if self._record is not None:
            self._record.write_text("".join(f"{line}\n" for line in lines_of(self._spent)))
        if terminalreporter.config.getoption("durations") is None:
            return
        for title, groups in (("kind", self._by_kind()), ("worker", self._by_worker())):
            terminalreporter.section(f"time by {title}: tests, seconds, processor seconds")
            for name, (count, wall, processor) in groups.items():
                terminalreporter.line(f"{name:<12} {count:>6} {wall:>8.1f} {processor:>8.1f}")
        if over := over_budget(self._spent):
            terminalreporter.section(f"{len(over)} tests are over their budget (CONTRIBUTING.md)")
            for each in over[:LISTED]:
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


def record_file() -> Path | None:
    """Return the file for the costs of all tests that the environment names."""
    return Path(os.environ[RECORD]) if os.environ.get(RECORD) else None
