"""A run that leaves something on the machine fails, although each of its tests passed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.suite.machine import TOUCHING, machine_state, machine_things, processes_of

pytest_plugins = ["pytester"]

CONFTEST = """
import pytest
from tests.suite import machine

machine.SETTLE_SECONDS = 0.3

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(machine.Machine(config))
"""
LEAVES_A_PROCESS = """
import subprocess, sys
import pytest

@pytest.mark.{mark}
def test_that_starts_something(tmp_path):
    code = "import sys; open(sys.argv[1]).read()"
    subprocess.Popen([sys.executable, "-c", code, {pipe!r}, str(tmp_path / "x")])
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a folder in its command line, until its input ends."""
    code = "import sys; print('ready', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", code, str(tmp_path / "x")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process


def test_a_process_is_found_by_a_folder_in_its_command_line(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (found,) = processes_of(tmp_path)
    assert found.startswith(f"process {sleeper.pid}: ")
    assert processes_of(tmp_path / "other") == set()


def test_two_looks_at_an_unchanged_machine_are_equal() -> None:
    assert machine_state() == machine_state()
    assert "link lo" in machine_things()


def test_every_mark_of_kernel_tests_is_registered(pytestconfig: pytest.Config) -> None:
    marks = {line.partition(":")[0].partition("(")[0] for line in pytestconfig.getini("markers")}
    assert marks >= TOUCHING


@pytest.mark.costs(0.6, reason="it runs pytest and leaves a process behind")
@pytest.mark.parametrize(("mark", "fails"), [("network", True), ("other", False)])
def test_a_process_left_behind_by_a_kernel_test_fails_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, mark: str, fails: bool
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    pytester.makeini("[pytest]\nmarkers =\n    network: uses the kernel\n    other: does not")
    pytester.makeconftest(CONFTEST)
    pipe = pytester.path / "until-somebody-writes"
    os.mkfifo(pipe)
    pytester.makepyfile(test_it=LEAVES_A_PROCESS.format(mark=mark, pipe=str(pipe)))
    result = pytester.runpytest_subprocess("-q")
    pipe.write_text("end")
    result.assert_outcomes(passed=1)
    assert result.ret == (1 if fails else 0)
    assert ("left behind: process" in result.stdout.str()) is fails
