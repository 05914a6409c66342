"""The threat model names a test for each boundary, because a boundary that nothing tests cannot be relied on."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "SECURITY.md"


def boundaries() -> dict[str, list[str]]:
    """Return each boundary of the threat model with the tests that verify it."""
    model = PAGE.read_text().split("## Threat model")[1].split("## Rates and limits")[0]
    rows = [line.strip("|").split("|") for line in model.splitlines() if line.startswith("| ")]
    return {
        row[0].strip(): re.findall(r"`(test_\w+)`", row[-1])
        for row in rows
        if row[0].strip() not in ("boundary", "who")
    }


def test_every_boundary_of_the_threat_model_names_a_test() -> None:
    assert len(boundaries()) > 25
    assert [boundary for boundary, tests in boundaries().items() if not tests] == []


def test_every_test_named_in_the_threat_model_exists() -> None:
    written = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    missing = {test: boundary for boundary, tests in boundaries().items() for test in tests if test not in written}
    assert missing == {}
