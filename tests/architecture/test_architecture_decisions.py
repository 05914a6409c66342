"""The code that decides is named once for each tool that looks after it, and all name the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]


def test_coverage_is_measured_of_exactly_the_code_that_the_contract_keeps_pure() -> None:
    contract = next(each for each in PROJECT["importlinter"]["contracts"] if each["name"] == "Decisions are pure")
    assert sorted(PROJECT["coverage"]["run"]["source_pkgs"]) == sorted(contract["source_modules"])
    assert PROJECT["coverage"]["run"]["branch"]
    assert PROJECT["coverage"]["report"]["fail_under"] >= 95
