"""The pytest plugin, as the tests of other people's programs have it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

from reading_room.containers.processes import start_time
from tests.worlds.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import os
import signal
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reading_room_settings():
    return {"region": "eu-west-1"}


@pytest.mark.parametrize("body", [b"one", b"two"])
def test_an_account_of_its_own(reading_room_account, body):
    s3 = reading_room_account.clients("s3")
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="papers", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="papers", Key="a", Body=body)


def test_that_is_killed(reading_room, tmp_path_factory):
    data = os.fsencode(reading_room.data)
    lines = {path.parent.name: path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")}
    print("processes", *(pid for pid, line in lines.items() if data in line.split(b"\\0")), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


BESIDE_ANOTHER = """
import os
import time
from pathlib import Path


def test_a_product_of_its_own(reading_room, reading_room_account, worker_id):
    reading_room_account.clients("s3").create_bucket(Bucket="papers")
    place = Path(os.environ["MEETING"])
    (place / worker_id).write_text(f"{os.getpid()} {reading_room.data} {reading_room.endpoint_url}")
    # Neither product ends before both run.
    deadline = time.monotonic() + 240
    while len(list(place.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
"""


def test_pytest_finds_the_plugin() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    assert declared == {"reading_room": "reading_room.testing.plugin"}


@pytest.mark.costs(1, reason="an interpreter is started")
def test_the_plugin_imports_nothing_until_a_test_uses_it() -> None:
    program = """
import sys, pytest
before = set(sys.modules)
import reading_room.testing.plugin
print(*sorted(set(sys.modules) - before))
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["reading_room", "reading_room.testing", "reading_room.testing.plugin"]


def run_pytest(folder: Path, tests: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run some tests in a folder with the plugin."""
    (folder / "test_a.py").write_text(dedent(tests))
    # The plugin is named, because this environment may have been installed before the plugin existed.
    usual = ["-q", "-p", "reading_room.testing.plugin", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *usual, *options, "test_a.py"],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.e2e
@pytest.mark.costs(10, reason="pytest and a product are started")
def test_tests_have_accounts_and_the_product_ends_with_a_killed_run(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, TESTS, "-s")
    assert run.returncode == -signal.SIGKILL, run.stdout + run.stderr
    said = next(line for line in run.stdout.splitlines() if "processes" in line)
    assert said.startswith("..processes")
    pids = [int(pid) for pid in said.split()[1:]]
    assert len(pids) >= 3
    eventually(lambda: not any(start_time(pid) is not None for pid in pids), 20, "the end of the product")


@pytest.mark.e2e
@pytest.mark.costs(15, reason="pytest, two workers and two products are started")
def test_each_worker_of_xdist_has_a_product_of_its_own_with_the_same_names(tmp_path: Path) -> None:
    place = tmp_path / "meeting"
    place.mkdir()
    run = run_pytest(tmp_path, BESIDE_ANOTHER, "-p", "xdist.plugin", "-n2", "--dist=each", MEETING=str(place))
    assert run.returncode == 0, run.stdout + run.stderr
    assert sorted(path.name for path in place.iterdir()) == ["gw0", "gw1"]
    # Two processes, two data folders, two addresses.
    told = zip(*(path.read_text().split() for path in place.iterdir()), strict=True)
    assert [len(set(each)) for each in told] == [2, 2, 2]
