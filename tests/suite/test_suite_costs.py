"""The suite measures its own tests, and tells of those that cost more than CONTRIBUTING allows."""

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
    config.pluginmanager.register(costs.Tell(costs.told_to()))
"""


def spent(test: str, kind: Kind, wall: float, processor: float, allowed: float | None = None) -> Spent:
    return Spent(test, "gw0", kind, Cost(wall, processor), kind.seconds if allowed is None else allowed)


def test_a_pure_test_is_judged_by_the_processor_and_one_with_a_product_by_the_clock() -> None:
    waits, works = spent("waits", Kind.PURE, 9.0, 0.001), spent("works", Kind.PURE, 9.0, 0.9)
    product = spent("product", Kind.END_TO_END, 60.0, 0.1)
    assert over_budget([waits, works, product]) == [works, product]


def test_a_process_of_an_earlier_test_is_not_charged_to_the_one_that_runs_when_it_is_waited_for() -> None:
    assert over_budget([spent("later", Kind.IN_PROCESS, 0.02, 54.0)]) == []


def test_a_test_that_is_only_slow_because_the_machine_is_is_not_told_of() -> None:
    assert over_budget([spent("slow", Kind.KERNEL, Kind.KERNEL.seconds * SLOW_MACHINE, 0.0)]) == []


def test_a_test_with_a_reason_may_cost_what_it_says() -> None:
    trains = spent("trains", Kind.PURE, 5.0, 5.0, allowed=4.0)
    assert over_budget([trains]) == []


def test_the_record_has_a_line_for_each_test() -> None:
    (line,) = lines_of([spent("one", Kind.KERNEL, 1.23456, 0.5)])
    assert json.loads(line) == {"test": "one", "kind": "kernel", "wall": 1.2346, "processor": 0.5}


@pytest.mark.costs(3, reason="pytest is run, once with two workers")
@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "loadfile"]], ids=["alone", "by two workers"])
def test_a_run_tells_the_time_by_kind_and_what_costs_too_much(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """The test of the test: one that is over its budget, one with a reason, and one that is cheap."""
    monkeypatch.setenv(RECORD, str(pytester.path / "costs.jsonl"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeini("[pytest]\nmarkers =\n    costs: may cost more\n    network: has a kernel\n    e2e: has a product")
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

        @pytest.mark.costs(1, reason="it has to be busy")
        def test_with_a_reason():
            busy()

        def test_cheap():
            pass
        """
    )
    result = pytester.runpytest_subprocess("-q", "--durations=10", *options)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*time by kind*", "in process *4 *", "*1 tests cost more than they may*"])
    result.stdout.fnmatch_lines(["*test_some.py::test_too_much"])
    written = [json.loads(line) for line in (pytester.path / "costs.jsonl").read_text().splitlines()]
    assert sorted(each["test"].partition("::")[2] for each in written) == [
        "test_cheap",
        "test_that_loads_what_the_others_need",
        "test_too_much",
        "test_with_a_reason",
    ]
