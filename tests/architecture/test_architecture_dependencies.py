"""Every dependency has a reason in docs/decisions/0011-dependencies.md, in the table of its group."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "decisions" / "0011-dependencies.md"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSOLE: dict[str, dict[str, str]] = json.loads((ROOT / "console" / "package.json").read_text())


def names(requirements: Iterable[str]) -> set[str]:
    """Return the names of the packages in lines of a requirements file."""
    found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip()) for line in requirements)
    return {match[0] for match in found if match is not None}


def lines(*files: str) -> list[str]:
    """Return the lines of files, given by their paths in the repository."""
    return [line for file in files for line in (ROOT / file).read_text().splitlines()]


SETUP = (ROOT / "scripts" / "setup").read_text()
TOOLS = sorted(path.name for path in ROOT.glob("requirements-*.in"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
GROUPS = {
    "The product": names(PROJECT["project"]["dependencies"]),
    "Analysis": names(EXTRAS["analysis"]) | names(lines("requirements-data.txt")),
    "Traces": names(EXTRAS["traces"]),
    "PostgreSQL": names(EXTRAS["postgres"]),
    "Documents": names(EXTRAS["docs"]),
    "Development": names(EXTRAS["dev"]),
    "Build": names(PROJECT["build-system"]["requires"]),
    "Tools with environments of their own": names(lines(*TOOLS)),
    "Recipes": names(lines("models/requirements.in")),
    "Tools in tests": names(lines("tests/worlds/s3_tools.txt")),
    "The console": set(CONSOLE["dependencies"]) | set(CONSOLE["devDependencies"]),
    "Debian packages": set(re.findall(r"missing\+=\(([\w-]+)\)", SETUP)),
    "Unpacked Debian packages": set(" ".join(re.findall(r"unpacked\+?=\((.+)\)", SETUP)).split()),
}


def rows(group: str) -> list[tuple[list[str], str]]:
    """Return the packages and the reason in each row of a group's table."""
    section = PAGE.read_text().partition(f"\n## {group}\n")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in section.splitlines() if line[:1] == "|"
    ]
    return [(row[0].split(", "), row[1]) for row in cells[2:]]


@pytest.mark.parametrize("group", GROUPS)
def test_the_table_of_a_group_has_exactly_its_packages_each_with_a_reason(group: str) -> None:
    listed = [name for packages, _ in rows(group) for name in packages]
    assert sorted(listed) == sorted(GROUPS[group])
    assert all(len(reason) > 4 for _, reason in rows(group))


def test_every_extra_and_every_requirements_file_has_a_group() -> None:
    assert set(EXTRAS) == {"analysis", "postgres", "docs", "dev", "traces"}
    assert [f"requirements-{tool}.in" for tool in ("audit", "fuzz", "mutants", "release")] == TOOLS
    assert [path.name for path in ROOT.glob("*/requirements*.in")] == ["requirements.in"]
