"""The generated pages are up to date, and the other pages agree with the code."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import botocore.session
import pytest

from reading_room.aws.models import SERVED, service_model
from tests.worlds.scripts import script

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LINE = 1000


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that writes the generated pages."""
    return script("reference")


@pytest.mark.costs(2, reason="it reads all code and all tests of the API, and generates each page")
def test_every_generated_page_is_up_to_date(reference: ModuleType) -> None:
    """`make docs` writes them."""
    for path, text in reference.pages().items():
        assert path.read_text() == text, f"{path.name} is behind the code: run `make docs`"


def test_no_line_of_a_generated_page_is_too_long_to_read() -> None:
    """Hundreds of names are written as a list with one name per line."""
    pages = sorted((ROOT / "docs" / "reference").glob("*.md"))
    long = [f"{page.name}:{n}" for page in pages for n, line in enumerate(page.open(), 1) if len(line) > LONGEST_LINE]
    assert len(pages) >= 9
    assert long == []


@pytest.mark.costs(0.1, reason="it reads the models of all services")
def test_the_operations_of_each_service_are_those_of_botocores_model(reference: ModuleType) -> None:
    """Each operation is in the table or among the unsupported ones, and the counts are right."""
    page = (ROOT / "docs" / "reference" / "operations.md").read_text()
    botocore_session = botocore.session.get_session()
    sections = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    assert set(sections) == set(SERVED)
    for service, text in sections.items():
        there = re.findall(r"^\| (\w+) \|", text.partition("|---|---|\n")[2], re.MULTILINE)
        absent = re.findall(r"^- (\w+)$", text, re.MULTILINE)
        model = service_model(service) if service == "reading-room" else botocore_session.get_service_model(service)
        names = model.operation_names
        assert sorted(there + absent) == sorted(names), service
        assert (f"{len(there)} of {len(names)} operations" if absent else f"All {len(names)} operations") in text
        assert f"| [{service}](#{service}) | {len(there)} | {len(names)} |" in page


@pytest.mark.costs(0.3, reason="it reads all code")
def test_every_module_has_a_sentence_about_its_purpose(reference: ModuleType) -> None:
    """The page docs/reference/tree.md consists of these sentences."""
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if path.stat().st_size and not reference._says(path)
    ]
    assert silent == []


def test_the_architecture_page_has_every_package_and_the_layers_of_the_contract() -> None:
    """It is short enough to be read to the end."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    assert len(page.splitlines()) <= 150
    section = page.partition("\n## Packages\n")[2].partition("\n## ")[0]
    packages = [path.parent.name for path in (ROOT / "src" / "reading_room").glob("*/__init__.py")]
    assert sorted(re.findall(r"^\| `(\w+)` \| [^|]+\. \|$", section, re.MULTILINE)) == sorted(packages)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == "Layers")
    listed = "\n".join(layers)
    assert f"```text\n{listed}\n```" in page


@pytest.mark.costs(0.05, reason="it reads all code")
def test_no_module_is_longer_than_500_lines() -> None:
    """A module that a reader cannot keep in mind should be two modules."""
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("src", "tests", "bench")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 500
    }
    assert long == {}


def test_no_module_has_a_meaningless_name() -> None:
    """Folders and modules have nouns as names that users know."""
    vague = {"utils", "util", "helpers", "common", "misc", "core", "base_utils"}
    assert [p.name for p in (ROOT / "src").rglob("*.py") if p.stem in vague or p.parent.name in vague] == []


@pytest.mark.costs(0.3, reason="it reads all code")
def test_every_operation_name_is_verbatim_in_the_source(reference: ModuleType) -> None:
    """Searching for an AWS operation finds its implementation."""
    from reading_room.wiring.product import operation_table

    source = "\n".join(path.read_text() for path in (ROOT / "src" / "reading_room").rglob("*.py"))
    missing = [b.facts.name for b in operation_table() if not re.search(rf'"{b.facts.name}"', source)]
    assert missing == []


def test_relative_links_in_the_documents_have_existing_targets() -> None:
    """Readers can follow every link."""
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


@pytest.mark.costs(0.2, reason="it reads every file of the repository")
def test_the_repository_contains_no_registry_and_no_private_path() -> None:
    """What is committed works on any machine."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    # Spelled so that the search does not find this file.
    forbidden = re.compile("pypi[.]org|pythonhoste[d]|registry[.]npm|/work/mai[n]|[.][.]/shared")
    found = [name for name in tracked if (ROOT / name).is_file() and forbidden.search(_text(ROOT / name))]
    assert found == []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


@pytest.fixture(scope="module")
def differences() -> ModuleType:
    """The script that writes the pages on what differs from AWS."""
    return script("differences")


@pytest.mark.costs(0.3, reason="it reads the models of all services")
def test_every_service_of_aws_has_a_page_of_differences(differences: ModuleType) -> None:
    overview = (ROOT / "docs" / "reference" / "differences.md").read_text()
    assert set(differences.FEATURES) == set(SERVED) - {"reading-room"}
    for service in differences.FEATURES:
        page = (ROOT / "docs" / "reference" / f"differences-{service}.md").read_text()
        assert page.startswith(f"# {service}: differences from AWS\n")
        assert f"| [{service}](differences-{service}.md) |" in overview


@pytest.mark.costs(0.3, reason="it reads EC2's model with its documentation")
def test_every_documented_filter_of_ec2_is_accepted(differences: ModuleType) -> None:
    assert {"cidr", "is-default", "vpc-id", "tag", "tag-key"} <= set(differences._documented_filters("DescribeVpcs"))
    assert differences._accepted_filters()["DescribeVpcs"] >= {"cidr", "tag", "tag-key", "tag-value"}
    assert differences._refused_filters("ec2") == []
