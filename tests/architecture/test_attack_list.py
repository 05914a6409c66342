"""The list of attacks: each has its place and its tests, which exist and are run; and there are many."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "attacks.md"
AUTOMATED = 150
"""As many at least are tried by `make network`, `make e2e` and `make chaos`."""
REAL = ("network", "containers", "end_to_end", "chaos")
"""Folders of tests that have a real kernel or a whole product."""


def attacks() -> list[tuple[str, str, list[str]]]:
    """Return each attack of the page: its place, its name and its tests."""
    found = []
    for part in PAGE.read_text().split("\n## ")[1:]:
        place = part.partition("\n")[0]
        for name, rest in re.findall(r"^\| `([a-z0-9-]+)` \|(.+)$", part, re.MULTILINE):
            found.append((place, name, re.findall(r"`(test_\w+)`", rest)))
    return found


def test_there_are_many_attacks_and_each_is_there_once() -> None:
    names = [(place, name) for place, name, _ in attacks()]
    assert len(names) == len(set(names))
    assert len(names) >= AUTOMATED


def test_every_attack_names_tests_that_exist_and_try_it_for_real() -> None:
    written = {
        name
        for folder in REAL
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert [(place, name) for place, name, tests in attacks() if not tests or not written.issuperset(tests)] == []


def test_attacks_come_from_everywhere() -> None:
    places = {place for place, _, _ in attacks()}
    wanted = ("inside a job", "every program", "wire", "another user", "`serve`", "documents", "worker says")
    assert [each for each in wanted if not any(each in place for place in places)] == []
