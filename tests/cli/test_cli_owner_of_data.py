"""Commands that root types read the data folder as its owner, so no link in it leads to what only root may read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reading_room.cli.doctor_installation import schema_finding
from reading_room.database.address import MARK
from reading_room.database.opening import FILE
from reading_room.settings import Settings
from reading_room.trail.chain import path_of
from reading_room.trail.recording import Trail
from tests.worlds import databases
from tests.worlds.trail import USER, record

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user reads nothing that the links could not name"),
    pytest.mark.costs(2, reason="a command is started"),
]
SERVE = 65_000
REQUEST = "11111111-2222-3333-4444-555555555555"
SECRET = "of-root-alone"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of ``serve``, in a folder of root's own."""
    folder = tmp_path / "data"
    for path in (folder, folder / "trail"):
        path.mkdir()
        os.chown(path, SERVE, SERVE)
    return folder


def run(data: Path, *arguments: str) -> tuple[int, str]:
    """Run a command on the data folder; return its exit code and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "reading_room", *arguments, "--data", str(data)],
        env=os.environ | {"READING_ROOM_STATE": str(data.parent / "state"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write_call(folder: Path) -> Path:
    """Write a call to a trail in a folder, and return the file."""
    trail = Trail(folder=folder, clock=lambda: NOW, days=90)
    ann = dataclasses.replace(USER, arn=f"arn:aws:iam::111122223333:user/{SECRET}", user_name=SECRET)
    trail.record(record(service="iam", operation="GetUser", request_id=REQUEST, ended_at=NOW, principal=ann))
    trail.close()
    return path_of(folder, "management", NOW.date())


def plant_call(data: Path, roots: Path) -> None:
    file = write_call(roots)
    (data / "trail" / file.name).symlink_to(file)


def plant_database(data: Path, roots: Path) -> None:
    databases.made(roots / FILE).close()
    (data / FILE).symlink_to(roots / FILE)


def plant_mark(data: Path, roots: Path) -> None:
    (roots / "secret").write_text(SECRET)
    (data / MARK).symlink_to(roots / "secret")


@pytest.mark.parametrize(
    ("plant", "arguments"),
    [
        (plant_call, ["access", "explain", REQUEST]),
        (plant_database, ["access", "verify-trail"]),
        (plant_database, ["usage"]),
        (plant_mark, ["usage"]),
    ],
)
def test_a_link_of_the_server_leads_no_command_of_root_anywhere(
    data: Path, tmp_path: Path, plant: Callable[[Path, Path], None], arguments: list[str]
) -> None:
    roots = tmp_path / "roots"
    roots.mkdir(mode=0o700)
    plant(data, roots)
    before = sorted(path.name for path in roots.iterdir())
    code, said = run(data, *arguments)
    assert code == 1, said
    assert SECRET not in said
    assert sorted(path.name for path in roots.iterdir()) == before


def test_what_the_server_wrote_is_read(data: Path) -> None:
    os.chown(write_call(data / "trail"), SERVE, SERVE)
    code, said = run(data, "access", "explain", REQUEST)
    assert code == 0, said
    assert SECRET in said


def test_doctor_looks_at_the_database_as_its_owner(data: Path, tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir(mode=0o700)
    plant_database(data, tmp_path / "roots")
    found = schema_finding(Settings(data=data))
    assert (found.state, found.mend) == ("missing", "run doctor as the user who runs the product")
