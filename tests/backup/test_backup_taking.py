"""Backups of a data folder: what they have, that a further one is incremental, and that deletions wait for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reading_room.backup import manifest
from reading_room.backup.errors import BackupError, DamagedBackup
from reading_room.backup.folder import FolderTarget, read_folder
from reading_room.backup.store import content_name
from reading_room.cli import backup
from reading_room.database.opening import FILE
from reading_room.s3.backends.backup_lock import STALE_SECONDS, Deletions, hold
from reading_room.s3.tables import S3Store
from reading_room.sealing import Sealer
from reading_room.settings import Settings
from tests.worlds import backups, databases
from tests.worlds.backups import Folder
from tests.worlds.full_disk import files_of_at_most
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.3, reason="each backup forks a process that copies a database")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Folder]:
    """A data folder."""
    with backups.opened(tmp_path / "data") as found:
        yield found


@pytest.mark.parametrize("name", ["backup", "backup.tar"])
def test_a_backup_has_everything_and_is_restored_elsewhere(data: Folder, tmp_path: Path, name: str) -> None:
    expected = {key: data.get(key) for key in ("small", "large", "huge")}
    data.back_up(tmp_path / name)
    backups.verify(tmp_path / name)
    restored = tmp_path / "elsewhere"
    backups.restore(tmp_path / name, restored)
    with backups.opened(restored) as found:
        assert {key: found.get(key) for key in expected} == expected
    # The last line was still being written.
    assert (restored / backups.BOOK).read_bytes() == (data.path / backups.BOOK).read_bytes().splitlines(True)[0]
    assert {path.stat().st_mode & 0o077 for path in restored.rglob("*")} == {0}


def test_a_further_backup_reads_and_stores_only_what_is_new(data: Folder, tmp_path: Path) -> None:
    first = data.back_up(tmp_path / "backup")
    # Different bytes at the same name would be noticed if they were read.
    for path in data.blobs().values():
        path.write_bytes(bytes(path.stat().st_size))
    data.put("later", b"later" * 50_000)
    data.backend.delete(backups.BUCKET, "large")
    second = data.back_up(tmp_path / "backup")
    of_blobs = [size for path, (size, _, _) in second.files.items() if path.startswith("objects/")]
    assert len(of_blobs) == len(data.blobs()) == 2
    assert second.new_files == 3  # The database, the newly sealed keys, and one blob.
    assert first.new_files == 5
    backups.verify(tmp_path / "backup")
    stored = {path.name for path in (tmp_path / "backup" / "content").glob("*/*")}
    assert stored == {entry.sha256.hex() for entry in second.files.values()}


def test_a_backup_that_fails_leaves_the_one_before(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    before = (tmp_path / "backup" / manifest.NAME).read_bytes()
    data.put("more", b"more" * 1_000_000)
    for name in ("backup", "new", "new.tar"):
        with files_of_at_most(3_000_000), pytest.raises(BackupError, match="a disk is full: make room"):
            data.back_up(tmp_path / name)
    assert (tmp_path / "backup" / manifest.NAME).read_bytes() == before
    backups.verify(tmp_path / "backup")
    with pytest.raises(BackupError, match=r"has no manifest\.jsonl: it is not a backup, or its first backup was"):
        backups.verify(tmp_path / "new")
    assert not list(tmp_path.glob("*new.tar*"))
    assert not (data.path / "scratch" / "backup.sqlite").exists()


def test_a_damaged_blob_is_reported_and_everything_else_is_backed_up(data: Folder, tmp_path: Path) -> None:
    name, path = max(data.blobs().items(), key=lambda each: each[1].stat().st_size)
    os.truncate(path, 1000)
    taken = data.back_up(tmp_path / "backup")
    assert taken.lost == [name]
    backups.verify(tmp_path / "backup")


def test_a_link_in_the_data_folder_is_not_followed(data: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    book = data.path / backups.BOOK
    for link in (book.symlink_to, book.hardlink_to):
        book.unlink()
        link(secret)
        with pytest.raises(BackupError):
            data.back_up(tmp_path / "backup")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "was altered"),
        (lambda path: os.truncate(path, path.stat().st_size - 1), "does not have the"),
        (lambda path: path.unlink(), r"cannot be read \(No such file"),
    ],
)
def test_an_altered_truncated_or_missing_file_is_named_and_nothing_is_restored(
    data: Folder, tmp_path: Path, change: object, says: str
) -> None:
    assert callable(change)
    taken = data.back_up(tmp_path / "backup")
    path, stored = next(each for each in taken.files.items() if each[0].startswith("objects/"))
    change(tmp_path / "backup" / content_name(stored.sha256))
    with pytest.raises(DamagedBackup, match=rf"{stored.sha256.hex()} \({path}\) {says}"):
        backups.verify(tmp_path / "backup")
    with pytest.raises(DamagedBackup, match=path):
        backups.restore(tmp_path / "backup", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_an_archive_that_was_cut_anywhere_is_refused(data: Folder, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    data.back_up(path)
    whole = path.read_bytes()
    for length in (0, 100, 512, 5_000, len(whole) // 2, len(whole) - 1_700):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedBackup, match=r"backup\.tar .*truncated"):
            backups.verify(path)


def test_a_folder_with_other_files_and_a_file_that_exists_are_refused(data: Folder, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpeg").touch()
    with pytest.raises(BackupError, match=r"holds other files, such as cat\.jpeg"):
        data.back_up(tmp_path / "photos")
    (tmp_path / "old.tar").touch()
    with pytest.raises(BackupError, match=r"old\.tar exists: choose a new name"):
        data.back_up(tmp_path / "old.tar")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(BackupError, match="others could change a backup in it"):
        data.back_up(tmp_path / "open")


def test_two_backups_at_once_are_refused(data: Folder, tmp_path: Path) -> None:
    with FolderTarget.opened(tmp_path / "backup"), pytest.raises(BackupError, match=r"another backup to .* runs"):
        data.back_up(tmp_path / "backup")


def test_deletions_wait_for_the_end_of_a_backup_but_not_for_one_that_is_suspended(tmp_path: Path) -> None:
    deleted: list[str] = []
    now = [0.0]
    store = Deletions(tmp_path, deleted.extend, look_seconds=0.01, clock=lambda: now[0])
    folder = os.open(tmp_path, os.O_RDONLY)
    with hold(folder, os.geteuid()):
        store.delete(["a"])
        # The clock is set forward: the time of the file says nothing.
        os.utime(tmp_path / "backup.lock", (0, 0))
        store.delete(["b"])
        assert deleted == []
        now[0] = STALE_SECONDS + 1
        store.delete(["c"])
        eventually(lambda: sorted(deleted) == ["a", "b", "c"], what="the deletions")
    os.close(folder)


def test_a_store_that_starts_during_a_backup_deletes_no_blob_that_the_backup_may_copy(data: Folder) -> None:
    folder = os.open(data.path / "objects", os.O_RDONLY)
    with hold(folder, os.geteuid()):
        with closing(data.backend):
            data.backend.delete(backups.BUCKET, "huge")
        with backups.opened(data.path) as again:
            assert again.get("huge") is None
            assert len(again.blobs()) == 2
    os.close(folder)
    with backups.opened(data.path) as later:
        eventually(lambda: len(later.blobs()) == 1, what="the deletion")


def test_the_manifest_is_sealed_with_the_root_key(data: Folder, tmp_path: Path) -> None:
    data.back_up(tmp_path / "backup")
    found = read_folder(tmp_path / "backup").manifest
    assert found.is_sealed_with(Sealer(backups.ROOT_KEY))
    assert not found.is_sealed_with(Sealer.of_the_moment())


def test_a_backup_is_refused_if_the_objects_are_not_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, objects="s3://bucket/prefix")
    with pytest.raises(BackupError, match="READING_ROOM_OBJECTS=s3://bucket/prefix: a backup copies objects from the"):
        backup._take(settings, tmp_path.with_name("backup"), False, None, [])


def test_without_the_setting_a_backup_whose_objects_are_elsewhere_fails_and_the_one_before_stays(
    data: Folder, tmp_path: Path
) -> None:
    """The blobs were moved to a shared place, and the shell of the backup lacks ``READING_ROOM_OBJECTS``."""
    data.back_up(tmp_path / "backup")
    with closing(databases.made(data.path / FILE)) as database, database.transaction() as session:
        session.add(S3Store(one=1, store="0" * 32))
    data.put("elsewhere", b"elsewhere" * 10_000)
    shutil.rmtree(data.path / "objects" / "objects")
    before = (tmp_path / "backup" / manifest.NAME).read_bytes()
    with pytest.raises(BackupError, match=r"none of the 1 blobs to be copied are in .*, as READING_ROOM_OBJECTS has"):
        data.back_up(tmp_path / "backup")
    assert (tmp_path / "backup" / manifest.NAME).read_bytes() == before
