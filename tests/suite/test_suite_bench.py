"""The help of ``python -m bench`` lists the benches and measures nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BY_HAND, FOLDER, ORDER, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.costs(0.5, reason="it starts a process")
def test_help_lists_every_bench_and_what_it_measures() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.startswith("usage: python -m bench")
    listed = {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines() if line.startswith("  ")}
    assert all(listed[name] for name in (*ORDER, *BY_HAND)), listed


@pytest.mark.parametrize("name", [*ORDER, *BY_HAND])
def test_help_of_a_bench_runs_nothing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(sys.modules)
    for arguments in ([name, "--help"], ["--help", name]):
        assert main(arguments) == 0
        assert capsys.readouterr().out.startswith(f"{name}: ")
    assert set(sys.modules) == before


def test_the_error_for_an_unknown_bench_lists_the_benches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speed"])
    assert "no bench speed: expected one of service, jobs" in capsys.readouterr().err


def test_every_bench_is_listed() -> None:
    """Every module with a ``main`` is listed, except those that the benches use themselves."""
    own = {"__init__", "__main__", "report", "processor", "suite", "console_seed"}
    assert {path.stem for path in FOLDER.glob("*.py")} - own == {*ORDER, *BY_HAND}
