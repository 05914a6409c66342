"""What a restore reads: manifests, archives and decrypted key material of backups."""

from __future__ import annotations

import io
import os
import re

from reading_room.backup import keys, manifest
from reading_room.backup.archive import read_archive
from reading_room.backup.errors import BackupError
from tests.fuzz import assert_printable

NAME = "the-backup"
SAFE = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*(\.(sqlite|jsonl|json))?")


def backup_manifest(data: bytes) -> None:
    """A manifest: an error that names it, or only paths that lead nowhere else."""
    try:
        found = manifest.read(io.BytesIO(data), NAME)
    except BackupError as error:
        _check(error)
        return
    _check_manifest(found)


def backup_archive(data: bytes) -> None:
    """An archive: an error that names it, or contents inside the file."""
    with open(os.memfd_create("archive"), "w+b") as file:
        file.write(data)
        file.flush()
        try:
            found = read_archive(file, NAME)
        except BackupError as error:
            _check(error)
            return
        _check_manifest(found.manifest)
        for path, stored in found.manifest.files.items():
            try:
                with found.open(path, stored) as content:
                    assert content.start + content.size <= len(data)
            except BackupError as error:
                _check(error)


def backup_keys(data: bytes) -> None:
    """Key material: names without a way out of the data folder."""
    try:
        found = keys.read_document(data)
    except BackupError:
        return
    assert all(".." not in name and not name.startswith("/") for name in found)


def _check_manifest(found: manifest.Manifest) -> None:
    assert all(SAFE.fullmatch(path) for path in found.files)
    assert len(found.files) == found.end.files


def _check(error: BackupError) -> None:
    assert NAME in str(error)
    assert_printable(str(error))
