"""The list of attacks: each attack has a section and existing tests, and there are many."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "attacks.md"
AUTOMATED = 150
"""The minimum number of attacks that `make network`, `make e2e` and `make chaos` try."""
REAL = ("network", "containers", "end_to_end", "chaos")
"""Folders of tests with a real kernel or a whole product."""
PLACES = (*REAL, "agent", "api", "cli", "jobs", "logs", "s3")
"""Folders of all tests that the list can name."""


def attacks() -> list[tuple[str, str, list[str]]]:
    """Return the section, name and tests of each attack on the page."""
    found = []
    for part in PAGE.read_text().split("\n## ")[1:]:
        place = part.partition("\n")[0]
        for name, rest in re.findall(r"^\| `([a-z0-9-]+)` \|(.+)$", part, re.MULTILINE):
            found.append((place, name, re.findall(r"`(test_\w+)`", rest)))
    return found


def test_there_are_many_attacks_without_duplicates() -> None:
    names = [(place, name) for place, name, _ in attacks()]
    assert len(names) == len(set(names))
    for_real = names_of_tests(REAL)
    assert len([name for _, name, tests in attacks() if for_real.issuperset(tests)]) >= AUTOMATED


def names_of_tests(folders: Iterable[str]) -> set[str]:
    """Return the names of the tests in some folders."""
    return {
        name
        for folder in folders
        for path in (ROOT / "tests" / folder).rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }


def test_every_attack_names_existing_tests() -> None:
    known = names_of_tests(PLACES)
    assert [(place, name) for place, name, tests in attacks() if not tests or not known.issuperset(tests)] == []


def test_every_line_of_the_list_names_existing_tests() -> None:
    """Lines without a short name, too."""
    known = names_of_tests(folder.name for folder in (ROOT / "tests").iterdir() if folder.is_dir())
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"\| (?!attempt \|)", line)]
    wrong = [line for line in lines if not (tests := re.findall(r"`(test_\w+)`", line)) or not known.issuperset(tests)]
    assert wrong == []
    assert len(lines) > len(attacks())


def test_there_are_attacks_from_every_position() -> None:
    places = {place for place, _, _ in attacks()}
    wanted = ("inside a job", "every program", "wire", "another user", "`serve`", "documents", "worker says")
    assert [each for each in wanted if not any(each in place for place in places)] == []
