"""The units for systemd: without a fault, hardened, and such that restarting one ends no job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reading_room.cli.root_key import CREDENTIAL
from reading_room.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "packaging" / "systemd"
PROGRAM = "/usr/local/bin/reading-room"
EXPOSURE = {"serve": 20, "key": 35, "trail-head": 20, "holder": 65, "agent": 75}
"""Tenths of systemd's own measure that a unit stays below. What makes networks and containers needs much."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here: install the package systemd"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that exists here."""
    for path in UNITS.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(UNITS)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text().replace(PROGRAM, sys.executable))
    return tmp_path


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze on units of a folder; it asks no systemd that runs."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_UNIT_PATH": f"{folder}:"}
    argv = ["systemd-analyze", *arguments]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def settings_of(path: Path) -> dict[str, list[str]]:
    """What a unit sets, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@needs_systemd
@pytest.mark.parametrize("mode", ["--system", "--user"])
def test_systemd_finds_no_fault_with_the_units(units: Path, mode: str) -> None:
    folder = units if mode == "--system" else units / "user"
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert len(names) >= 3
    run = analyze(folder, mode, "verify", "--recursive-errors=no", *names)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", EXPOSURE)
def test_the_units_are_as_closed_as_their_work_allows(units: Path, name: str) -> None:
    threshold = f"--threshold={EXPOSURE[name]}"
    run = analyze(units, "security", "--offline=yes", "--no-pager", threshold, f"reading-room-{name}.service")
    assert run.returncode == 0, run.stdout[-400:] + run.stderr


@pytest.mark.parametrize("folder", [UNITS, UNITS / "user"])
def test_containers_are_in_the_holders_unit_and_only_its_end_takes_others_along(folder: Path) -> None:
    holder, agent, serve = (
        settings_of(folder / f"reading-room-{name}.service") for name in ("holder", "agent", "serve")
    )
    # The group is the holder's to give limits to containers in, and the holder is beside them, not among them.
    assert holder["Delegate"] == ["cpu memory pids"]
    assert holder["DelegateSubgroup"] == ["holder"]
    assert agent["BindsTo"] == ["reading-room-holder.service"]
    assert serve["Requires"][0].split()[0] == "reading-room-holder.service"
    for unit in (holder, agent, serve):
        assert not {"reading-room-agent.service", "reading-room-serve.service"} & {
            each for name in ("BindsTo", "Requires", "PartOf") for value in unit.get(name, []) for each in value.split()
        }
        assert unit["LimitCORE"] == ["0"]
    assert "--join" in agent["ExecStart"][0]


def test_serve_gets_the_root_key_that_the_unit_of_root_hands_over() -> None:
    serve, key = (settings_of(UNITS / f"reading-room-{name}.service") for name in ("serve", "key"))
    name, _, path = serve["LoadCredential"][0].partition(":")
    assert name == CREDENTIAL
    assert f"--to {path}" in key["ExecStart"][0]
    assert Path(path).parent == Path("/run") / key["RuntimeDirectory"][0]
    assert key["RuntimeDirectoryMode"] == ["0700"]
    assert "reading-room-key.service" in serve["Requires"][0]
    assert "reading-room-key.service" in serve["After"][0]
    assert "User" not in key


def test_the_user_of_serve_is_the_one_that_the_agent_listens_to() -> None:
    """All three say it, for an installation that another one came before would get another id by itself."""
    number = str(Settings().service_uid)
    assert settings_of(UNITS / "reading-room-serve.service")["User"] == [number]
    for name in ("holder", "agent", "serve"):
        (told,) = settings_of(UNITS / f"reading-room-{name}.service")["Environment"]
        assert f"READING_ROOM_SERVICE_UID={number}" in told.split()
