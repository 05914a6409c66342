"""The page on pressure: each of its promises names tests that exist."""

from __future__ import annotations

import re

from tests.architecture.test_attack_list import ROOT, names_of_tests

PAGE = ROOT / "docs" / "operations" / "pressure.md"


def test_every_promise_of_the_page_names_existing_tests() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    named = {row[0]: re.findall(r"`(test_\w+)`", row[-1]) for row in rows if row[-1] != "tests |"}
    assert len(named) > 30
    known = names_of_tests([""])
    assert [promise for promise, tests in named.items() if not tests or not known.issuperset(tests)] == []
