"""The repository does not name package registries: everybody who installs has their own."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "console" / "package-lock.json"
REQUIREMENTS = [*ROOT.glob("requirements*.txt"), *ROOT.glob("*/requirements*.txt")]

INSTALLED = {re.sub(r"[-_.]+", "-", found.name).lower() for found in importlib.metadata.distributions()}


def test_npms_lock_file_pins_by_hash_and_has_no_addresses() -> None:
    packages = json.loads(LOCK.read_text())["packages"]
    assert len(packages) > 100
    for name, package in packages.items():
        assert "resolved" not in package, name
        if name and not package.get("link"):
            assert package["integrity"].startswith("sha512-"), name


def test_npm_is_configured_to_write_no_addresses() -> None:
    settings = (ROOT / "console" / ".npmrc").read_text().splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings
    assert not [line for line in settings if line.startswith(("registry", "//", "@"))]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_requirements_have_no_addresses(file: Path) -> None:
    for line in file.read_text().splitlines():
        assert not re.match(r"\s*(--(extra-)?index-url|--find-links|--trusted-host|-i\b|-f\b)", line), line
        assert "://" not in line.partition("#")[0], line


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_requirement_is_pinned_by_hash(file: Path) -> None:
    text = re.sub(r"#.*", "", file.read_text()).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9, -]+\])?==\S+", line), line
        assert " --hash=sha256:" in line, line


def test_requirements_keep_the_extras_that_packages_ask_of_each_other() -> None:
    """Without them pip 23 takes the newest version for ``coverage[toml]``, and refuses it for lack of a hash."""
    pinned = dict(re.findall(r"^([a-z0-9._-]+)(\[.+\])?==", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    for name in sorted(pinned):
        for line in importlib.metadata.distribution(name).requires or () if name in INSTALLED else ():
            requirement = Requirement(line)
            if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                asked = re.sub(r"[-_.]+", "-", requirement.name).lower()
                assert requirement.extras <= set(re.findall(r"[a-z0-9-]+", pinned[asked])), f"{name} asks for {line}"


def test_only_the_product_itself_is_installed_without_a_hash() -> None:
    scripts = [ROOT / "Makefile", *(ROOT / "scripts").iterdir()]
    text = "".join(file.read_text() for file in scripts if file.is_file()).replace("\\\n", " ")
    installs = [line.strip() for line in text.splitlines() if re.search(r"\bpip install\b", line)]
    assert len(installs) >= 7
    for line in installs:
        assert "--require-hashes" in line or line.endswith(
            "--no-deps --no-build-isolation -e . -e packaging/weights"
        ), line


def test_the_console_pins_exact_versions() -> None:
    package = json.loads((ROOT / "console" / "package.json").read_text())
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name}: {version}"
