"""The page of languages: its table lists what the registry serves, and marks what the bench knows below its floor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.quality.other_languages import BELOW
from reading_room.analysis.kinds import ANALYSES

PAGE = Path(__file__).parents[2] / "docs" / "languages.md"
KINDS = {
    "entities": "entities",
    "key phrases": "key-phrases",
    "sentiment": "sentiment",
    "targeted sentiment": "targeted-sentiment",
    "syntax": "syntax",
}


def _rows() -> dict[str, tuple[set[str], set[str]]]:
    """Return the first table: a kind's languages, and those of them below a floor."""
    found = re.findall(r"^\| ([a-z ]+) \| ([^|]*)\| ([^|]*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {kind: (set(re.findall(r"[\w-]+", own)), set(re.findall(r"[\w-]+", below))) for kind, own, below in found}


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_languages_lists_those_that_are_served(kind: str) -> None:
    assert _rows()[kind][0] == set(ANALYSES[KINDS[kind]].languages)


@pytest.mark.parametrize("kind", ["entities", "key phrases", "sentiment", "syntax"])
def test_the_table_of_languages_marks_those_that_the_bench_lets_miss_a_floor(kind: str) -> None:
    engines = re.compile(rf"`{KINDS[kind]}-([\w-]+)`")
    known = {language for figure in BELOW for language in engines.findall(figure)}
    assert _rows()[kind][1] == known
    stars = re.findall(r"^\| ([a-z-]+(?:-TW)?)\* \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert known <= set(stars)
