"""Every licence that a file has is there as a text, and weights have the licences that their manifest names.

``reuse lint``, which ``make audit`` runs, also checks that every file has a licence.
"""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "packaging" / "weights"
PACKAGE = WEIGHTS / "reading_room_weights"
MANIFEST: dict[str, Any] = tomllib.loads((PACKAGE / "MANIFEST.toml").read_text())
ANNOTATIONS: list[dict[str, Any]] = tomllib.loads((ROOT / "REUSE.toml").read_text())["annotations"]


def licences(expression: str) -> set[str]:
    """Return the identifiers in an SPDX expression."""
    return set(expression.split(" AND "))


def expression_of(path: Path) -> str:
    """Return the licence of a file: that of the last annotation with a matching pattern."""
    name, found = path.relative_to(ROOT).as_posix(), ""
    for each in ANNOTATIONS:
        patterns = [each["path"]] if isinstance(each["path"], str) else each["path"]
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            found = each["SPDX-License-Identifier"]
    return found


def texts(folder: Path) -> dict[str, str]:
    """Return the texts of licences by their identifiers."""
    return {path.stem: path.read_text() for path in folder.iterdir()}


def test_there_is_a_text_for_each_licence_and_no_other() -> None:
    used = set().union(*(licences(each["SPDX-License-Identifier"]) for each in ANNOTATIONS))
    assert set(texts(ROOT / "LICENSES")) == used
    assert ANNOTATIONS[0]["path"] == "**"


def test_each_folder_of_weights_has_the_licence_that_its_manifest_names() -> None:
    for name, entry in MANIFEST.items():
        for file in entry["files"]:
            assert expression_of(PACKAGE / name / file) == entry["licence"], name


def test_the_package_of_weights_names_and_ships_the_licences_of_all_folders() -> None:
    """The code around them is under the licence of the product."""
    used = {entry["licence"] for entry in MANIFEST.values()} | {expression_of(PACKAGE / "__init__.py")}
    project = tomllib.loads((WEIGHTS / "pyproject.toml").read_text())["project"]
    assert licences(project["license"]) == used
    assert texts(WEIGHTS / "LICENSES") == {name: texts(ROOT / "LICENSES")[name] for name in used}


def test_the_built_console_has_the_licences_of_the_packages_in_it() -> None:
    static = ROOT / "src" / "reading_room" / "console" / "static"
    named = set(re.findall(r"^## .* \(([^()]+)\)$", (static / "licenses.txt").read_text(), re.MULTILINE))
    assert len(named) >= 4
    assert licences(expression_of(static / "index.html")) == named | {"Apache-2.0"}
