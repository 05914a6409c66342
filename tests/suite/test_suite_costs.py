"""The suite measures its tests, and reports those over the budgets in CONTRIBUTING.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.suite.costs import RECORD, SLOW_MACHINE, Spent, lines_of, over_budget
from tests.suite.kinds import Cost, Kind

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from tests.suite import costs

def pytest_configure(config):
    config.pluginmanager.register(costs.Measure())
    config.pluginmanager.register(costs.Summary(costs.record_file()))
"""


def spent(test: str, kind: Kind, wall: float, processor: float, allowed: float | None = None) -> Spent:
    return Spent(test, "gw0", kind, Cost(wall, processor), kind.seconds if allowed is None else allowed)


def test_pure_tests_are_judged_by_processor_time_and_tests_with_a_product_by_the_clock() -> None:
    waits, works = spent("waits", Kind.PURE, 9.0, 0.001), spent("works", Kind.PURE, 9.0, 0.9)
    product = spent("product", Kind.END_TO_END, 60.0, 0.1)
    assert over_budget([waits, works, product]) == [works, product]


def test_the_processor_time_of_an_earlier_tests_child_is_not_charged_to_a_later_test() -> None:
    assert over_budget([spent("later", Kind.IN_PROCESS, 0.02, 54.0)]) == []


def test_a_test_that_is_slow_only_because_of_the_machine_is_not_reported() -> None:
    assert over_budget([spent("slow", Kind.KERNEL, Kind.KERNEL.seconds * SLOW_MACHINE, 0.0)]) == []


def test_a_test_with_a_reason_has_its_own_budget() -> None:
    trains = spent("trains", Kind.PURE, 5.0, 5.0, allowed=4.0)
    assert over_budget([trains]) == []


def test_the_record_has_a_line_for_each_test() -> None:
    (line,) = lines_of([spent("one", Kind.KERNEL, 1.23456, 0.5)])
    assert json.loads(line) == {"test": "one", "kind": "kernel", "wall": 1.2346, "processor": 0.5}


@pytest.mark.costs(3, reason="it runs pytest, once with two workers")
@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "loadfile"]], ids=["alone", "by two workers"])
def test_a_run_prints_the_time_by_kind_and_the_tests_over_budget(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """One test over its budget, one with a reason, and one cheap test."""
    monkeypatch.setenv(RECORD, str(pytester.path / "costs.jsonl"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeini(
        "[pytest]\nmarkers =\n    costs: may cost more\n    network: uses the kernel\n    e2e: uses the product"
    )
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        test_some="""
        import time
        import pytest

        def busy():
            end = time.process_time() + 0.4
            while time.process_time() < end:
                pass

        def test_that_loads_what_the_others_need():
            busy()

        def test_too_much():
            busy()

        @pytest.mark.costs(1, reason="it must be busy")
        def test_with_a_reason():
            busy()

        def test_cheap():
            pass
        """
    )
    result = pytester.runpytest_subprocess("-q", "--durations=10", *options)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*time by kind*", "in process *4 *", "*1 tests are over their budget*"])
    result.stdout.fnmatch_lines(["*test_some.py::test_too_much"])
    written = [json.loads(line) for line in (pytester.path / "costs.jsonl").read_text().splitlines()]
    assert sorted(each["test"].partition("::")[2] for each in written) == [
        "test_cheap",
        "test_that_loads_what_the_others_need",
        "test_too_much",
        "test_with_a_reason",
    ]
