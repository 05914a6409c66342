"""Where a backup may be restored: an empty folder of this user, with room."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reading_room.backup import manifest, restoring
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.folder import FolderTarget, read_folder
from reading_room.backup.manifest import Description, Stored
from reading_room.cli.claiming import check_folder
from reading_room.cli.folder import StartError
from reading_room.installation import RESTORING
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from tests.worlds import backups
from tests.worlds.backups import Folder
from tests.worlds.full_disk import files_of_at_most

pytestmark = pytest.mark.costs(0.3, reason="each backup forks a process that copies a database")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Folder]:
    """A data folder."""
    with backups.opened(tmp_path / "data") as found:
        yield found


def pretend(folder: Path, **facts: object) -> Path:
    """Make a backup of nothing that says something of itself."""
    described = {"program": "0.1.0", "database_schema": 7, "at": "2026-03-01T12:00:00Z", "keys": "none"}
    size = facts.pop("size", 1)
    assert isinstance(size, int)
    sealer = Sealer(backups.ROOT_KEY)
    description = Description.model_validate({**described, "root_key": sealer.key_id.hex(), **facts})
    with FolderTarget.opened(folder) as target:
        target.finish(manifest.lines(description, {"db.sqlite": Stored(size, bytes(32), 0)}, sealer))
    return folder


def test_a_used_folder_is_refused_and_unchanged(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    with pytest.raises(BackupError, match=r"is not empty, it has authority: choose an empty or a new folder"):
        backups.restore(tmp_path / "backup", data.path)
    assert data.get("huge") is not None
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BackupError, match="is not a folder"):
        backups.restore(tmp_path / "backup", file)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.chown(elsewhere, 65_534, 65_534)
    with pytest.raises(BackupError, match="belongs to user 65534, not to"):
        backups.restore(pretend(tmp_path / "backup"), elsewhere)


def test_a_disk_without_room_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"needs [0-9,]+ bytes, but [0-9,]+ are free"):
        backups.restore(pretend(tmp_path / "backup", size=1 << 49), tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_fills_up_meanwhile_leaves_the_folder_empty(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    (tmp_path / "elsewhere").mkdir()
    with files_of_at_most(1_000_000), pytest.raises(BackupError, match="nothing was restored: the disk is full"):
        backups.restore(tmp_path / "backup", tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("facts", [{"database_schema": 999}, {"program": "9.0.0"}], ids=["schema", "program"])
def test_the_backup_of_a_newer_version_is_refused(tmp_path: Path, facts: dict[str, object]) -> None:
    newer = read_folder(pretend(tmp_path / "backup", **facts))
    with pytest.raises(BackupError, match=r"the backup has schema .* restore it with version .*, or a newer one"):
        restoring.check_version(newer)


def test_after_an_interrupted_restore_neither_the_product_starts_nor_another_restore(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    (folder / RESTORING).mkdir(parents=True)
    with pytest.raises(BackupError, match="was interrupted: delete what is in it, and restore again"):
        backups.restore(pretend(tmp_path / "backup"), folder)
    with pytest.raises(StartError, match="was interrupted: delete what is in it, and restore the backup again"):
        check_folder(Settings.from_environment({"READING_ROOM_STATE": str(tmp_path / "state")}, data=folder))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.REGTYPE])
def test_an_archive_with_other_entries_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "backup.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("../../etc/cron.d/x" if kind == tarfile.REGTYPE else f"content/00/{'0' * 64}")
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(DamagedBackup, match=r"backup\.tar has an entry that (is not a file|no backup has), at byte 0"):
        backups.verify(path)


def test_a_link_in_a_backup_is_not_followed(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    content = next(path for path in (tmp_path / "backup" / "content").glob("*/*") if path.stat().st_size > 400_000)
    content.rename(tmp_path / "outside")
    content.symlink_to(tmp_path / "outside")
    with pytest.raises(DamagedBackup, match=r"cannot be read \(Too many levels of symbolic links\)"):
        backups.verify(tmp_path / "backup")
