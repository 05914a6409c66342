"""The page "Policies by example": each policy on it is valid for its service, and each test that it names exists."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reading_room.iam.policy.document import parse
from reading_room.iam.policy.open_endpoint import openings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text()
BLOCKS = re.findall(r"^## (.*?)\n|```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
USES = {
    "The endpoint's allow": ["endpoint"],
    "The two denies for package repositories": ["endpoint"],
    "The data access role": ["trust", "inline"],
    "Every job in given subnets": ["inline", "inline"],
    "A bucket for one VPC": ["bucket"],
    "Flow logs to a bucket": ["bucket"],
}
"""The uses of the policies in each section, in order."""


def policies() -> list[tuple[str, str, str]]:
    """Return the title, use and text of each policy; single statements are put into a document."""
    found, title, seen = [], "", 0
    for heading, text in BLOCKS:
        if heading:
            title, seen = heading, 0
            continue
        loose = None if "Statement" in text else json.loads(f"[{text}]")
        whole = text if loose is None else json.dumps({"Version": "2012-10-17", "Statement": loose})
        found.append((title, USES[title][seen], whole))
        seen += 1
    return found


@pytest.mark.parametrize(("title", "use", "text"), policies())
def test_a_policy_of_the_page_is_valid_for_its_use(title: str, use: Any, text: str) -> None:
    assert parse(text, use).statements


def test_every_section_with_a_policy_is_known() -> None:
    titles = [title for title, _, _ in policies()]
    assert {title: titles.count(title) for title in titles} == {title: len(uses) for title, uses in USES.items()}


def test_only_the_pages_allow_is_open() -> None:
    texts = {title: text for title, use, text in policies() if use == "endpoint"}
    assert openings(texts["The endpoint's allow"], "111122223333")
    assert not openings(texts["The two denies for package repositories"], "111122223333")


def test_the_tests_that_the_page_names_exist() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in re.findall(r"`(test_[a-z0-9_]+)`", PAGE):
        assert f"def {name}(" in written
    for file in re.findall(r"`(tests/[a-z0-9_/]+\.py)`", PAGE):
        assert (ROOT / file).exists()
