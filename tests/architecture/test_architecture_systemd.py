"""The systemd units: valid, hardened, and written so that restarting one ends no job."""

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
EXPOSURE = {
    "serve": 20,
    "link": 20,
    "key": 35,
    "trail-head": 20,
    "traces": 20,
    "webhooks": 20,
    "holder": 65,
    "agent": 75,
}
"""The maximum exposure of each unit in systemd's own measure, times ten. Making networks and containers needs much."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: install the package systemd"
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with a program that exists on this machine."""
    for path in UNITS.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(UNITS)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text().replace(PROGRAM, sys.executable))
    return tmp_path


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze on the units in a folder, without a running systemd."""
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_UNIT_PATH": f"{folder}:"}
    argv = ["systemd-analyze", *arguments]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


def settings_of(path: Path) -> dict[str, list[str]]:
    """Return the settings of a unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@needs_systemd
@pytest.mark.parametrize("mode", ["--system", "--user"])
def test_systemd_finds_no_errors_in_the_units(units: Path, mode: str) -> None:
    folder = units if mode == "--system" else units / "user"
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    assert len(names) >= 3
    run = analyze(folder, mode, "verify", "--recursive-errors=no", *names)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", EXPOSURE)
def test_the_units_are_hardened_as_far_as_their_work_allows(units: Path, name: str) -> None:
    threshold = f"--threshold={EXPOSURE[name]}"
    run = analyze(units, "security", "--offline=yes", "--no-pager", threshold, f"reading-room-{name}.service")
    assert run.returncode == 0, run.stdout[-400:] + run.stderr


@pytest.mark.parametrize("folder", [UNITS, UNITS / "user"])
def test_containers_are_in_the_holders_unit_and_only_its_end_stops_other_units(folder: Path) -> None:
    holder, agent, serve = (
        settings_of(folder / f"reading-room-{name}.service") for name in ("holder", "agent", "serve")
    )
    # The holder limits containers in its delegated group, and is itself in a subgroup beside theirs.
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


def test_a_joined_host_has_the_same_units_with_a_link_in_place_of_serve() -> None:
    first, joined = (settings_of(UNITS / f"reading-room{name}.target") for name in ("", "-host"))
    assert joined["Conflicts"] == ["reading-room.target"]
    assert [name.replace("link", "serve") for name in joined["Wants"]] == first["Wants"]
    serve, link = (settings_of(UNITS / f"reading-room-{name}.service") for name in ("serve", "link"))
    assert link["Requires"] == ["reading-room-holder.service"]
    hardened = {name: serve[name] for name in serve if name.startswith(("Protect", "Restrict", "SystemCall", "Cap"))}
    assert {name: link[name] for name in hardened} == hardened
    for name in ("holder", "agent"):
        assert settings_of(UNITS / f"reading-room-{name}.service")["PartOf"] == [
            "reading-room.target reading-room-host.target"
        ]


def test_serve_gets_the_root_key_from_the_privileged_unit() -> None:
    serve, key = (settings_of(UNITS / f"reading-room-{name}.service") for name in ("serve", "key"))
    name, _, path = serve["LoadCredential"][0].partition(":")
    assert name == CREDENTIAL
    assert f"--to {path}" in key["ExecStart"][0]
    assert Path(path).parent == Path("/run") / key["RuntimeDirectory"][0]
    assert key["RuntimeDirectoryMode"] == ["0700"]
    assert "reading-room-key.service" in serve["Requires"][0]
    assert "reading-room-key.service" in serve["After"][0]
    assert "User" not in key


def test_serve_runs_as_the_user_that_the_agent_accepts() -> None:
    """All units say it, because on a machine with two installations systemd would choose another id."""
    number = str(Settings().service_uid)
    assert settings_of(UNITS / "reading-room-serve.service")["User"] == [number]
    assert settings_of(UNITS / "reading-room-link.service")["User"] == [number]
    for name in ("holder", "agent", "serve", "link"):
        (environment,) = settings_of(UNITS / f"reading-room-{name}.service")["Environment"]
        assert f"READING_ROOM_SERVICE_UID={number}" in environment.split()
