"""The commands backup and restore: what they refuse, in one sentence and without leaving anything behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reading_room.cli import commands
from reading_room.cli.claiming import claim
from reading_room.cli.folder import StartError
from reading_room.cli.root_key import keep_root_key
from reading_room.database.address import MARK
from reading_room.settings import Settings
from tests.worlds import backups
from tests.worlds.backups import Folder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A data folder, with the state folder of the commands beside it."""
    monkeypatch.setenv("READING_ROOM_STATE", str(tmp_path / "state"))
    with backups.opened(tmp_path / "data") as found:
        yield found


def refusal(*words: str | Path) -> str:
    """Run a command that must be refused, and return its message."""
    found = CliRunner().invoke(commands.app, [str(word) for word in words])
    assert found.exit_code == 1, found.output
    return " ".join(found.output.split())


def test_options_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    says = refusal("backup", tmp_path / "b", "--without-keys", "--recipient", "age1x", "--data", tmp_path / "data")
    assert "--without-keys and --recipient exclude each other: give one of them" in says
    assert "--without-keys and --verify exclude each other" in refusal("backup", tmp_path, "--without-keys", "--verify")


def test_a_place_in_the_data_folder_and_a_folder_without_data_are_refused(data: Folder, tmp_path: Path) -> None:
    assert "is in the data folder" in refusal("backup", data.path / "backup", "--data", data.path)
    assert "there is no data folder" in refusal("backup", tmp_path / "backup", "--data", tmp_path / "none")
    assert not (data.path / "backup").exists()
    assert not (tmp_path / "backup").exists()


def test_a_folder_whose_rows_are_in_postgresql_is_not_backed_up_without_them(data: Folder, tmp_path: Path) -> None:
    (data.path / MARK).write_text("postgresql+psycopg://reading_room@db/reading_room\n")
    assert "are in PostgreSQL: set READING_ROOM_DATABASE=" in refusal("backup", tmp_path / "b", "--data", data.path)
    assert not (tmp_path / "b").exists()


def test_what_is_no_backup_is_refused(data: Folder, tmp_path: Path) -> None:
    assert "has no manifest.jsonl: it is not a backup" in refusal("backup", data.path, "--verify")
    assert "credentials is truncated: use another backup" in refusal("backup", data.path / "credentials", "--verify")
    assert "none cannot be read (No such file or directory)" in refusal("backup", tmp_path / "none", "--verify")


@pytest.mark.costs(0.5, reason="a backup forks a process that copies a database")
def test_a_restore_needs_the_right_root_key_and_makes_nothing_without_it(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    into = ("restore", tmp_path / "backup", "--data", tmp_path / "new")
    assert "sealed with the root key of its installation: give it with --root-key-file" in refusal(*into)
    key = tmp_path / "key"
    key.write_text("11" * 32)
    key.chmod(0o600)
    assert "the backup needs the root key" in refusal(*into, "--root-key-file", key)
    assert not (tmp_path / "new").exists()
    key.write_text(backups.ROOT_KEY.hex())
    found = CliRunner().invoke(commands.app, [*map(str, into), "--root-key-file", str(key)])
    assert found.exit_code == 0, found.output
    settings = Settings.from_environment(data=tmp_path / "new", state=tmp_path / "state")
    assert settings.installation.root_key.read_text().strip() == backups.ROOT_KEY.hex()
    assert (tmp_path / "new" / "credentials").read_text() == "[default]\n"


@pytest.mark.costs(0.5, reason="a backup forks a process that copies a database")
def test_a_manifest_that_another_key_sealed_is_refused(data: Folder, tmp_path: Path) -> None:
    """Somebody without the root key changed the backup, and made the digests match."""
    data.back_up(tmp_path / "backup", with_keys=False)
    manifest = tmp_path / "backup" / "manifest.jsonl"
    *lines, end = manifest.read_bytes().splitlines(True)
    place = end.index(b'"seal":"') + 60
    manifest.write_bytes(
        b"".join(lines) + end[:place] + (b"0" if end[place : place + 1] != b"0" else b"1") + end[place + 1 :]
    )
    key = tmp_path / "key"
    key.write_text(backups.ROOT_KEY.hex())
    key.chmod(0o600)
    says = refusal("restore", tmp_path / "backup", "--data", tmp_path / "new", "--root-key-file", key)
    assert "was not sealed with its root key, so it was altered" in says
    assert not (tmp_path / "new").exists()


def test_another_root_key_is_not_replaced(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, data=tmp_path / "data", state=tmp_path / "state")
    claim(settings)
    assert keep_root_key(settings, bytes(32)) == settings.installation.root_key
    with pytest.raises(StartError, match="is not sealed with the root key from"):
        keep_root_key(settings, bytes(31) + b"1")
    assert settings.installation.root_key.read_text() == f"{bytes(32).hex()}\n"
