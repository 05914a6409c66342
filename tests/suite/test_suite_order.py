"""Slow files come first, and the tests of a file stay together."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.suite import order
from tests.suite.kinds import LOADING_SECONDS, PURE_FOLDERS, Kind, allowance, kind_of
from tests.suite.schedule import FromBothEnds

pytest_plugins = ["pytester"]
TESTS = Path(__file__).parents[1]

FILES = {
    "test_a_values": "def test_one(): pass",
    "test_b_kernel": "import pytest\n@pytest.mark.network\ndef test_two(): pass",
    "test_c_product": "import pytest\ndef test_three(): pass\n@pytest.mark.e2e\ndef test_four(): pass",
    "test_d_reason": "import pytest\n@pytest.mark.costs(7, reason='it trains a model')\ndef test_five(): pass",
}


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[pytest.Item]:
    """Tests of several kinds, as pytest collects them."""
    pytester.makeini(
        "[pytest]\nmarkers =\n    costs: may cost more\n    network: uses the kernel\n    e2e: uses the product"
    )
    pytester.makepyfile(**FILES)
    found, _ = pytester.inline_genitems()
    return list(found)


def test_files_with_a_product_come_first_then_those_with_a_kernel_then_the_slowest(items: list[pytest.Item]) -> None:
    order.longest_first(items)
    assert [item.name for item in items] == ["test_three", "test_four", "test_two", "test_five", "test_one"]


@pytest.mark.costs(0.06, reason="it collects four files with pytest")
def test_kinds_follow_from_marks(items: list[pytest.Item]) -> None:
    kinds = {item.name: kind_of(item) for item in items}
    assert kinds["test_four"] is Kind.END_TO_END
    assert kinds["test_two"] is Kind.KERNEL
    assert kinds["test_one"] is kinds["test_three"] is Kind.IN_PROCESS


@pytest.mark.costs(0.06, reason="it collects four files with pytest")
def test_the_mark_costs_sets_the_budget(items: list[pytest.Item]) -> None:
    allowed = {item.name: allowance(item) for item in items}
    assert allowed["test_five"] == 7
    assert allowance(items[0], first=True) == allowance(items[0]) + LOADING_SECONDS
    assert allowed["test_one"] == Kind.IN_PROCESS.seconds


@dataclass(eq=False)
class Worker:
    """A worker of pytest-xdist, as a scheduler uses it."""

    name: str
    given: list[int] = field(default_factory=list)
    """The indexes of its tests, in the order in which it runs them."""
    shutting_down: bool = False

    @property
    def gateway(self) -> SimpleNamespace:
        """Return what has its name."""
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indexes: list[int]) -> None:
        """Take tests."""
        self.given += indexes

    def shutdown(self) -> None:
        """Take no more."""
        self.shutting_down = True


def test_the_last_worker_takes_files_from_the_other_end_and_none_runs_twice(pytester: pytest.Pytester) -> None:
    schedule = FromBothEnds(pytester.parseconfig("--dist=loadfile", "--tx=3*popen", "--no-loadscope-reorder"))
    workers = [Worker(f"gw{number}") for number in (0, 2, 1)]
    tests = [f"test_{name}.py::test_{number}" for name in "abcdefgh" for number in range(3)]
    for worker in workers:
        schedule.add_node(worker)
        schedule.add_node_collection(worker, tests)
    schedule.schedule()
    done = [0] * len(workers)
    while schedule.has_pending:
        for place, worker in enumerate(workers):
            if done[place] < len(worker.given):
                schedule.mark_test_complete(worker, worker.given[done[place]])
                done[place] += 1
    files = ["".join(dict.fromkeys(tests[index][5] for index in worker.given)) for worker in workers]
    assert files == ["ace", "hgf", "bd"]
    assert sorted(index for worker in workers for index in worker.given) == list(range(len(tests)))


def test_every_folder_of_pure_tests_exists() -> None:
    assert {name for name in PURE_FOLDERS if not (TESTS / name).is_dir()} == set()


@pytest.mark.costs(1, reason="it reads all tests")
def test_every_mark_costs_has_a_reason() -> None:
    """A budget without a reason would only be a larger budget."""
    without = [
        f"{path.name}:{node.lineno}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.costs" and not _reason(node)
    ]
    assert without == []


def _reason(call: ast.Call) -> bool:
    return any(
        keyword.arg == "reason" and isinstance(keyword.value, ast.Constant) and bool(keyword.value.value)
        for keyword in call.keywords
    )
