"""The files for other people's CI: valid YAML, with the commands of the page that explains them."""

from __future__ import annotations

import importlib
import subprocess
from typing import Any

import pytest

from tests.worlds.pages import ROOT, blocks, page_of

yaml: Any = importlib.import_module("yaml")
FOLDER = ROOT / "packaging" / "ci"
PAGE = page_of("how-to/ci.md")


def github() -> tuple[list[str], list[str]]:
    """Return the scripts of GitHub's file and the paths that it keeps."""
    steps = yaml.safe_load((FOLDER / "github-actions.yml").read_text())["jobs"]["test"]["steps"]
    (kept,) = [step["with"]["path"].split() for step in steps if "upload-artifact" in step.get("uses", "")]
    return [step["run"] for step in steps if "run" in step], kept


def gitlab() -> tuple[list[str], list[str]]:
    """Return the same of GitLab's, which runs the lines of a job in one shell."""
    job = yaml.safe_load((FOLDER / "gitlab-ci.yml").read_text())["test"]
    return ["\n".join([*job["before_script"], *job["script"]])], job["artifacts"]["paths"]


@pytest.mark.parametrize("read", [github, gitlab])
def test_it_runs_the_commands_of_the_page_and_keeps_no_secret(read: Any) -> None:
    scripts, kept = read()
    lines = {line for script in scripts for line in script.splitlines()}
    shown = [block.text for block in blocks(PAGE) if block.mark == "ci" and block.language == "sh"]
    doctor, _, start, end = [[line.replace("$TEXTS/", "") for line in text.splitlines()] for text in shown]
    commands = [*doctor, *start, *end[:2]]
    assert [command for command in commands if command not in lines] == []
    assert kept == ["up.log", "trail"]


@pytest.mark.parametrize("read", [github, gitlab])
@pytest.mark.costs(0.1, reason="a shell reads each script")
def test_a_shell_can_read_it(read: Any) -> None:
    for script in read()[0]:
        run = subprocess.run(["/bin/bash", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert (run.returncode, run.stderr) == (0, "")


def test_the_page_names_every_file() -> None:
    text = PAGE.read_text()
    assert [path.name for path in sorted(FOLDER.iterdir()) if f"(../../packaging/ci/{path.name})" not in text] == []
