"""What ``rollback`` refuses; ``test_cli_root_key.py`` has a rollback of a whole product."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from reading_room import versions
from reading_room.cli import commands
from reading_room.cli.claiming import claim
from reading_room.cli.folder import only_one
from reading_room.database.address import MARK, VARIABLE
from reading_room.settings import Settings
from reading_room.upgrades import draft, keep
from reading_room.versions import VERSION


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A claimed folder with one backup, which is empty."""
    monkeypatch.setenv("READING_ROOM_STATE", str(tmp_path / "state"))
    found = Settings.from_environment(os.environ, data=tmp_path / "data")
    claim(found)
    with draft(found.data) as made:
        keep(made, "0.0.1", schema=7)
    return found


def run(settings: Settings, *words: str) -> Result:
    """Run the command on the folder."""
    return CliRunner().invoke(commands.app, ["rollback", *words, "--data", str(settings.data)])


def test_without_a_name_it_lists_the_backups(settings: Settings) -> None:
    result = run(settings)
    assert result.exit_code == 0
    assert f"-from-0.0.1-to-{VERSION}-schema-7" in result.output


def test_an_unknown_backup_is_refused_with_those_that_exist(settings: Settings) -> None:
    result = run(settings, "yesterday")
    assert result.exit_code == 1
    assert "has no backup yesterday: choose one of those made before upgrades (2" in result.output


def test_a_folder_in_use_is_left_alone(settings: Settings) -> None:
    (name,) = os.listdir(settings.data / "backups")
    with only_one(settings.installation, settings.data):
        result = run(settings, name)
    assert result.exit_code == 1
    assert "is in use by process" in result.output


def test_no_file_is_put_back_beside_rows_in_postgresql(settings: Settings) -> None:
    """``database move`` keeps the backups of earlier upgrades, which are of the file that it moved."""
    (settings.data / MARK).write_text("postgresql+psycopg://reading_room@db/reading_room\n")
    os.chown(settings.data / MARK, settings.data.stat().st_uid, -1)
    (name,) = os.listdir(settings.data / "backups")
    result = run(settings, name)
    assert result.exit_code == 1
    assert "are in PostgreSQL: set READING_ROOM_DATABASE=" in " ".join(result.output.split())


@pytest.mark.costs(3, reason="the command runs as a process, which gives up root")
def test_with_postgresql_an_earlier_version_may_use_the_folders_once_its_dump_is_restored(settings: Settings) -> None:
    folders = {settings.data: versions.DATA_FORMATS, settings.installation.folder: versions.STATE_FORMATS}
    for folder, formats in folders.items():
        versions.record(folder, formats)
        os.chown(folder / versions.FILE, folder.stat().st_uid, -1)
    environment = {**os.environ, VARIABLE: "postgresql+psycopg://reading_room@db/reading_room"}

    def rollback(*words: str) -> str:
        argv = [sys.executable, "-m", "reading_room", "rollback", *words, "--data", str(settings.data)]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        return " ".join((done.stdout + done.stderr).split())

    assert "put back with pg_restore what pg_dump wrote" in rollback()
    assert f"no version after {VERSION} has used" in rollback(VERSION)
    assert "Version 0.0.9 can use" in rollback("0.0.9")
    for folder, formats in folders.items():
        assert versions.read(folder) == versions.Versions("0.0.9", formats)
