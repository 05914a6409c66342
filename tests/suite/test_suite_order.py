"""Slow files come first, and the tests of a file stay together."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.suite import order
from tests.suite.kinds import LOADING_SECONDS, PURE_FOLDERS, Kind, allowance, kind_of

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


def test_files_with_a_product_come_first_and_files_with_a_kernel_second(items: list[pytest.Item]) -> None:
    order.longest_first(items)
    assert [item.name for item in items] == ["test_three", "test_four", "test_two", "test_one", "test_five"]


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
