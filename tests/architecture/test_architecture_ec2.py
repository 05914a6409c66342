"""The pages on EC2 and VPCs: every parameter has a sentence and a test, and every feature its differences from AWS."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from reading_room.vpc.operations.binding import declarations
from reading_room.vpc.operations.effects import EFFECTS, effect_of
from reading_room.wiring.product import operation_table
from tests.worlds.scripts import script

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that writes the page."""
    return script("reference")


def test_every_parameter_with_an_effect_has_a_sentence() -> None:
    silent = [
        f"{each.name}.{parameter}"
        for each in declarations()
        for parameter in sorted(each.parameters)
        if effect_of(each.name, parameter) is None
    ]
    assert silent == []


def test_every_sentence_is_about_an_existing_parameter() -> None:
    known = {"DryRun"}
    for each in declarations():
        known |= {*each.parameters, *(f"{each.name}.{parameter}" for parameter in each.parameters)}
    assert set(EFFECTS) - known == set()


@pytest.mark.costs(1, reason="it reads all tests of EC2's API")
def test_every_parameter_with_an_effect_is_sent_by_a_test(reference: ModuleType) -> None:
    sent = reference.sending_tests()
    unsent = [
        f"{each.name}.{parameter}"
        for each in declarations()
        for parameter in sorted(each.parameters)
        if (each.name, parameter) not in sent
    ]
    assert unsent == []


def test_the_tests_of_common_parameters_exist(reference: ModuleType) -> None:
    text = (ROOT / "tests" / "api" / "test_ec2_every_operation.py").read_text()
    assert [name for name in reference.COMMON_TESTS.values() if f"def {name}(" not in text] == []


def test_the_page_has_every_operation_of_ec2_that_is_served(reference: ModuleType) -> None:
    page = reference.ec2_page()
    served = [bound.facts.name for bound in operation_table() if bound.facts.service == "ec2"]
    assert [name for name in served if f"\n## {name}\n" not in page] == []


def test_every_page_on_a_feature_has_the_required_sections() -> None:
    sections = ("## What AWS says", "## What the kernel does here", "## How to see it", "## What differs")
    for page in (ROOT / "docs" / "vpc").glob("*.md"):
        text = page.read_text()
        assert [section for section in sections if section not in text] == [], page.name
