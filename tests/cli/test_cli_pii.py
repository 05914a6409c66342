"""``reading-room pii calibrate``: it writes a profile, or says what the sample can promise instead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.analysis.recall_profile import engine_version, read
from reading_room.cli import commands


def calibrate(*arguments: str) -> tuple[int, str]:
    """Run the command and return its exit code and what it printed."""
    result = CliRunner().invoke(commands.app, ["pii", "calibrate", *arguments])
    assert not isinstance(result.exception, Exception), result.exception
    return result.exit_code, result.output


def sample(path: Path, documents: int) -> str:
    """Write a sample of so many documents with an address each, and return its path."""
    entity = {"BeginOffset": 10, "EndOffset": 25, "Type": "EMAIL"}
    line = json.dumps({"Text": "Escriba a ana@example.com.", "Entities": [entity]})
    path.write_text(f"{line}\n" * documents)
    return str(path)


@pytest.mark.costs(4, reason="a process loads an engine")
def test_a_profile_has_thresholds_and_what_they_promise(tmp_path: Path) -> None:
    code, printed = calibrate(sample(tmp_path / "s.jsonl", 150), "--recall", "0.98", "--language", "es")
    assert code == 0, printed
    assert "EMAIL" in printed
    profile = json.loads((tmp_path / "s.jsonl.profile.json").read_text())
    read(json.dumps(profile))
    assert profile.pop("SampleSHA256")
    assert profile.pop("CreatedAt")
    assert profile == {
        "LanguageCode": "es",
        "Recall": 0.98,
        "Confidence": 0.95,
        "Thresholds": {"EMAIL": 0.99},
        "Documents": {"EMAIL": 150},
        "SampleDocuments": 150,
        "Engine": engine_version("es"),
    }


@pytest.mark.costs(4, reason="a process loads an engine")
def test_a_target_that_the_sample_cannot_promise_is_refused_with_the_highest_that_it_can(tmp_path: Path) -> None:
    path = sample(tmp_path / "s.jsonl", 100)
    code, printed = calibrate(path, "--recall", "0.98", "--language", "es", "--output", str(tmp_path / "p.json"))
    assert code == 1
    assert "the highest for all its types is 0.970 (EMAIL 0.970)" in " ".join(printed.split())
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--recall", "1"), "between 0 and 1"),
        (("--recall", "0.9", "--language", "ar"), "give en or es or fr"),
        (("--recall", "0.9"), "cannot be read"),
    ],
)
def test_what_cannot_be_calibrated_is_said_before_anything_is_analysed(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, printed = calibrate(str(tmp_path / "missing"), *arguments)
    assert code == 1
    assert says in printed


@pytest.mark.costs(3, reason="a process loads libraries")
def test_a_bad_line_of_the_sample_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"Text": "a", "Entities": []}\n{"Text": 3}\n')
    code, printed = calibrate(str(tmp_path / "s.jsonl"), "--recall", "0.9", "--language", "es")
    assert code == 1
    assert "line 2" in printed
