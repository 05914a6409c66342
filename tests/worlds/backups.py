"""A small data folder with real rows, blobs, trail and keys, and backups of it. No process serves it."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from reading_room.backup import keys, restoring
from reading_room.backup.archive import ArchiveTarget
from reading_room.backup.folder import FolderTarget
from reading_room.backup.restoring import empty_folder
from reading_room.backup.taking import Taken, take
from reading_room.database.engine import Database
from reading_room.database.opening import FILE
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.tables import S3Bucket
from reading_room.sealing import KEY_BYTES, SealedFile, Sealer
from reading_room.trail.chain import FIRST, line_of
from tests.worlds import databases

ROOT_KEY = bytes(KEY_BYTES)
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
BUCKET = "letters"
BOOK = "trail/management-2026-03-01.jsonl"


class Folder:
    """A data folder whose store is open."""

    def __init__(self, path: Path, backend: EmbeddedBackend) -> None:
        self.path = path
        self.backend = backend

    def put(self, key: str, content: bytes) -> None:
        """Store an object."""
        self.backend.put(BUCKET, key, content, "text/plain")

    def get(self, key: str) -> str | None:
        """Return the SHA-256 of an object's bytes, which are all read, or ``None``."""
        found = self.backend._store.lease(BUCKET, key)
        if found is None:
            return None
        row, lease = found
        with ExitStack() as stack:
            stack.callback(lease.release)
            return hashlib.sha256(b"".join(lease.read(0, row.size))).hexdigest()

    def blobs(self) -> dict[str, Path]:
        """Return the files of blobs by name."""
        return {path.name: path for path in (self.path / "objects" / "objects").glob("*/*")}

    def back_up(
        self, to: Path, means: keys.Passphrase | keys.Recipients | None = None, with_keys: bool = True
    ) -> Taken:
        """Back the folder up."""
        place = ArchiveTarget.opened(to) if to.suffix == ".tar" else FolderTarget.opened(to)
        with place as target:
            return take(
                self.path,
                target,
                ROOT_KEY,
                program="0.1.0",
                now=NOW,
                drop=lambda: None,
                means=means,
                with_keys=with_keys,
            )


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """Open a data folder, and make one with three objects, a line of the trail, and keys if there is none."""
    new = not path.exists()
    path.mkdir(mode=0o700, exist_ok=True)
    with closing(databases.made(path / FILE)) as database:
        backend = file_backend(database, path / "objects", databases.REGION, lambda: NOW)
        with closing(backend):
            found = Folder(path, backend)
            if new:
                _fill(found, database)
            yield found


def _fill(folder: Folder, database: Database) -> None:
    with database.transaction() as session:
        session.add(S3Bucket(name=BUCKET, account="000000000001", region=databases.REGION, created_at=NOW))
    folder.put("small", b"small")
    folder.put("large", b"large" * 100_000)
    folder.put("huge", b"huge" * 500_000)
    (folder.path / "trail").mkdir(mode=0o700)
    line = line_of(FIRST, '{"eventName":"CreateBucket"}') + b"\n"
    (folder.path / BOOK).write_bytes(line + line_of(FIRST, "half")[:20])
    (folder.path / "credentials").write_text("[default]\n")
    (folder.path / "authority").mkdir(mode=0o700)
    SealedFile(Sealer(ROOT_KEY), folder.path / "authority" / "authority.key", "authority/authority.key").write(b"key")


def restore(backup: Path, data: Path, material: dict[str, bytes] | None = None) -> None:
    """Restore a backup into a folder of this user."""
    with (
        restoring.opened(backup) as found,
        empty_folder(data, os.geteuid(), lambda: None) as folder,
    ):
        folder.restore(found, material or {})


def verify(backup: Path) -> None:
    """Verify a backup."""
    with restoring.opened(backup) as found:
        restoring.verify(found)
