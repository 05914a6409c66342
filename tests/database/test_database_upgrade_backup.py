"""Before a newer version uses a database it is backed up, and a kill at any moment leaves a folder that opens."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

import reading_room.wiring.server  # noqa: F401 # declares every table
from reading_room import versions
from reading_room.database.engine import SCHEMA_VERSION, Database
from reading_room.database.migrate import SchemaError
from reading_room.database.opening import FILE, open_database
from reading_room.database.upgrade_backup import KEY_FILES, put_back
from reading_room.iam.tables import AccessKey
from reading_room.sealing import SealBroken, Sealer
from reading_room.upgrades import FOLDER, KEPT, Backup, backups
from reading_room.versions import DATA_FORMATS, VERSION, Versions, VersionsError
from tests.worlds import databases
from tests.worlds.databases import SEALER
from tests.worlds.schemas import add_administrator, bytes_of, of_before, version_of

KEY, SECRET = "AKIAOLD", "the+old/secret"
PRIVATE = b"the private key of the authority"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder of schema 5, with a secret in the database and one in a file, both in plain text."""
    of_before(tmp_path / FILE)
    add_administrator(tmp_path / FILE, KEY, SECRET)
    (tmp_path / "authority").mkdir()
    (tmp_path / KEY_FILES[1]).write_bytes(PRIVATE)
    return tmp_path


@pytest.fixture
def current(tmp_path: Path) -> Path:
    """A data folder of this version."""
    databases.made(tmp_path / FILE).close()
    open_database(tmp_path, SEALER).close()
    return tmp_path


def secret_in(data: Path) -> str:
    """Open the folder with this version, and return the administrator's secret."""
    with closing(open_database(data, SEALER)) as database, database.reading() as session:
        return session.query(AccessKey).one().secret_access_key


def used_by(data: Path, program: str) -> None:
    """Make it look as if another version had used the folder last."""
    versions.write(data, Versions(program, dict(DATA_FORMATS)))


@pytest.mark.costs(3, reason="Alembic is loaded, and the database migrated twice")
def test_a_backup_of_plain_text_is_sealed_and_brings_back_the_earlier_version(old: Path) -> None:
    assert secret_in(old) == SECRET
    (backup,) = backups(old)
    assert (backup.origin, backup.target, backup.schema) == ("earlier", VERSION, 5)
    assert SECRET.encode() not in bytes_of(old)
    assert PRIVATE not in bytes_of(old)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (old / FOLDER).rglob("*"))
    with pytest.raises(SealBroken):
        put_back(backup, old, Sealer(bytes(31) + b"2"))
    assert version_of(old / FILE) == SCHEMA_VERSION

    put_back(backup, old, SEALER)
    assert version_of(old / FILE) == 5
    with closing(sqlite3.connect(old / FILE)) as connection:
        assert connection.execute("SELECT secret_access_key FROM iam_access_keys").fetchall() == [(SECRET,)]
    assert (old / KEY_FILES[1]).read_bytes() == PRIVATE
    (old / versions.FILE).unlink()
    assert secret_in(old) == SECRET


def killed_at(number: int, data: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Open a folder in a child process that is killed at one of its steps on the disk; return whether it was."""
    child = os.fork()
    if child == 0:
        left = number

        def step(does: Callable[..., object]) -> Callable[..., object]:
            def stepped(*arguments: object, **named: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return does(*arguments, **named)

            return stepped

        for name in ("fsync", "rename", "replace", "unlink"):
            monkeypatch.setattr(os, name, step(getattr(os, name)))
        monkeypatch.setattr(Database, "create_tables", step(Database.create_tables))
        try:
            open_database(data, SEALER)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.costs(20, reason="a database is migrated after a kill at each of a dozen steps")
def test_a_kill_at_any_step_leaves_a_folder_that_opens(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, steps = 0, 0
    while True:
        data = tmp_path / f"killed-{number}"
        shutil.copytree(old, data, ignore=shutil.ignore_patterns("killed-*"))
        killed = killed_at(number, data, monkeypatch)
        assert secret_in(data) == SECRET
        assert any(each.schema == 5 for each in backups(data)), "the backup of the old schema is gone"
        assert not list((data / FOLDER).glob(".*"))
        assert SECRET.encode() not in bytes_of(data)
        shutil.rmtree(data)
        if not killed:
            break
        number, steps = number + 2, steps + 1
    assert steps > 5


def test_a_newer_version_backs_up_what_an_older_one_used_and_keeps_a_few(current: Path) -> None:
    assert backups(current) == []
    for version in ("0.0.1", "0.0.2", "0.0.3", "0.0.4"):
        used_by(current, version)
        open_database(current, SEALER).close()
        open_database(current, SEALER).close()
    found = backups(current)
    assert [each.origin for each in found] == ["0.0.2", "0.0.3", "0.0.4"]
    assert len(found) == KEPT
    assert version_of(found[-1].path / FILE) == SCHEMA_VERSION


def test_an_upgrade_that_is_begun_again_replaces_its_own_backup_only(current: Path) -> None:
    for version in ("0.0.1", "0.0.2", "0.0.2", "0.0.2"):
        used_by(current, version)
        open_database(current, SEALER).close()
    assert [each.origin for each in backups(current)] == ["0.0.1", "0.0.2"]


def test_a_folder_of_a_newer_version_is_refused_and_the_backup_named(current: Path) -> None:
    used_by(current, "0.0.9")
    open_database(current, SEALER).close()
    used_by(current, "99.1.0")
    before = bytes_of(current)
    (backup,) = backups(current)
    with pytest.raises(VersionsError, match=rf"opened by version 99\.1\.0, .* version {VERSION}: run .*{backup.path}"):
        open_database(current, SEALER)
    assert bytes_of(current) == before


def test_a_folder_with_files_in_a_newer_format_is_refused(current: Path) -> None:
    versions.write(current, Versions(VERSION, {**DATA_FORMATS, "trail": 2}))
    with pytest.raises(VersionsError, match=r"has trail in newer formats, .*; there is no backup"):
        open_database(current, SEALER)


def test_without_room_for_the_backup_nothing_changes(current: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used_by(current, "0.0.1")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(SchemaError, match=r"must be copied before version .* 1,000 are free: make room"):
        open_database(current, SEALER)
    assert backups(current) == []
    assert versions.read(current) == Versions("0.0.1", DATA_FORMATS)


def test_a_database_in_use_is_not_replaced(current: Path) -> None:
    used_by(current, "0.0.1")
    with closing(open_database(current, SEALER)):
        (backup,) = backups(current)
        with pytest.raises(SchemaError, match="is used by another process"):
            put_back(Backup(backup.path, "0.0.1", VERSION, SCHEMA_VERSION), current, SEALER)
    assert sorted(path.name for path in current.glob(".*")) == []
