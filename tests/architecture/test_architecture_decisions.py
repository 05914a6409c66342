"""The packages that decide are listed for several tools; all lists are the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]


def test_coverage_is_measured_for_exactly_the_packages_of_the_purity_contract() -> None:
    contract = next(each for each in PROJECT["importlinter"]["contracts"] if each["name"] == "Decisions are pure")
    assert sorted(PROJECT["coverage"]["run"]["source_pkgs"]) == sorted(contract["source_modules"])
    assert PROJECT["coverage"]["run"]["branch"]
    assert PROJECT["coverage"]["report"]["fail_under"] >= 95
