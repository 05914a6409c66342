"""Taking a backup of a data folder, whose service may be running.

The order makes it consistent. Under the lock that keeps blobs from being deleted, the database is copied at one
moment. Calls to be counted are read before it, which skips those that it has counted. Everything else is copied after
it:

- blobs, because a row is committed only when its blobs are complete, and they never change;
- books of the trail, because a line is on the disk before the database has its digest as a head. If a file was deleted
  for its age meanwhile, the copy of the database may still expect it, so the database is copied again;
- flow log windows, because they are written before closed windows are delivered: no record is delivered twice.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from reading_room import upgrades, versions
from reading_room.backup import keys, manifest, snapshot
from reading_room.backup.copying import Copier, Truncated
from reading_room.backup.errors import BackupError
from reading_room.backup.manifest import DATABASE, KEYS, Description, Stored
from reading_room.backup.source import DataFolder
from reading_room.backup.store import Target
from reading_room.database.opening import FILE
from reading_room.database.upgrade_backup import CALLS, WINDOWS
from reading_room.fleet import identity
from reading_room.full_disk import is_full
from reading_room.s3.backends.backup_lock import LockTaken, hold
from reading_room.s3.backends.sums import stored_sizes
from reading_room.sealing import Sealer
from reading_room.trail.chain import BOOKS
from reading_room.trail.chain import FOLDER as TRAIL

OBJECTS = "objects"
"""The folder of the blob store in the data folder."""
LEFT_OUT = frozenset({snapshot.SCRATCH, upgrades.FOLDER, identity.FILE, "clock-ahead", "for-tests.json"})
"""What no backup has: temporary files, backups of upgrades, the identity of this folder's ``serve``, how far the clock
was set, and the clock of tests."""
ATTEMPTS = 5
_BLOCK = 1 << 16
_SPARE = 1 << 20

assert DATABASE == FILE


@dataclass
class Taken:
    """What a backup has."""

    description: Description
    files: dict[str, Stored] = field(default_factory=dict)
    new_files: int = 0
    new_bytes: int = 0
    lost: list[str] = field(default_factory=list)
    """The blobs that are missing from the data folder or have another size, which no backup can have."""

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(each.size for each in self.files.values())


def take(
    folder: Path,
    target: Target,
    root_key: bytes,
    *,
    program: str,
    now: dt.datetime,
    drop: Callable[[], None],
    means: keys.Passphrase | keys.Recipients | None = None,
    with_keys: bool = True,
) -> Taken:
    """Back up a data folder.

    ``drop`` gives a child process the rights of ``serve``; ``means`` encrypt the key material, which is otherwise
    sealed with the root key. Raises ``BackupError``.
    """
    try:
        with ExitStack() as opened:
            data = opened.enter_context(DataFolder.opened(folder))
            try:
                lock = opened.enter_context(hold(data.folder(OBJECTS), data.owner))
            except FileNotFoundError:
                raise BackupError(
                    f"{folder} has no objects: is --data the folder of the product, and is READING_ROOM_OBJECTS set as "
                    "for `reading-room serve`?"
                ) from None
            except LockTaken:
                raise BackupError(f"another backup of {folder} runs: wait for its end") from None
            return _Taking(data, target, Copier(lock.renew), Sealer(root_key), drop).run(
                root_key, program, now, means, with_keys
            )
    except OSError as error:
        if is_full(error):
            raise BackupError(
                "the backup is not complete, as a disk is full: make room where it is written, or choose another "
                "place; an earlier backup there is unchanged"
            ) from error
        raise BackupError(f"the backup is not complete: {error.filename or folder}: {error.strerror}") from error


class _Taking:
    def __init__(
        self, data: DataFolder, target: Target, copier: Copier, sealer: Sealer, drop: Callable[[], None]
    ) -> None:
        self._data = data
        self._target = target
        self._copier = copier
        self._sealer = sealer
        self._drop = drop
        self._taken: Taken

    def run(
        self,
        root_key: bytes,
        program: str,
        now: dt.datetime,
        means: keys.Passphrase | keys.Recipients | None,
        with_keys: bool,
    ) -> Taken:
        # Encrypted first, so that an invalid recipient is refused before anything is copied.
        material = self._material(root_key, means) if with_keys else None
        for _ in range(ATTEMPTS):
            before = self._books()
            calls = self._calls()
            with snapshot.snapshot(self._data, self._drop) as found:
                self._taken = Taken(
                    Description(
                        program=program,
                        database_schema=found.schema,
                        at=now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                        root_key=self._sealer.key_id.hex(),
                        keys="none" if material is None else "sealed" if means is None else "age",
                    )
                )
                if self._trail(before):
                    self._check_room(found)
                    self._file(found.path, DATABASE, fresh=True)
                    break
        else:
            raise BackupError(
                f"the oldest files of the trail were deleted during each of {ATTEMPTS} attempts: try again"
            )
        for name in (WINDOWS, versions.FILE):
            if name in self._data.names(""):
                self._file(name, name)
        if calls:
            self._bytes(CALLS, calls)
        if material is not None:
            self._bytes(KEYS, material)
        before_blobs = self._taken.new_files
        for blob in sorted(found.blobs):
            self._blob(blob, found.blobs[blob])
        if found.moved and self._taken.lost and self._taken.new_files == before_blobs:
            raise BackupError(
                f"none of the {len(self._taken.lost):,} blobs to be copied are in {self._data.path}, as "
                "READING_ROOM_OBJECTS has named another place: set it as for `reading-room serve`; docs/operations/"
                "objects.md says how to back up both"
            )
        self._target.finish(manifest.lines(self._taken.description, self._taken.files, self._sealer))
        return self._taken

    def _material(self, root_key: bytes, means: keys.Passphrase | keys.Recipients | None) -> bytes:
        files = keys.collect(self._data)
        return keys.sealed(files, self._sealer) if means is None else keys.encrypted(files, root_key, means)

    def _calls(self) -> bytes:
        """Return the synchronous calls that the database does not count yet, or did not a moment ago."""
        if CALLS not in self._data.names(""):
            return b""
        with self._data.file(CALLS) as (file, facts):
            return os.pread(file, _end_of_lines(file, facts.st_size), 0)

    def _books(self) -> list[str]:
        """Return the files of the trail, oldest first."""
        return [name for name in self._data.names(TRAIL) if name.startswith(tuple(f"{book}-" for book in BOOKS))]

    def _trail(self, before: list[str]) -> bool:
        """Copy the trail; return whether all files that were there before still were."""
        missing = set(before)
        for name in self._books():
            try:
                self._file(f"{TRAIL}/{name}", f"{TRAIL}/{name}", whole_lines=True)
            except FileNotFoundError:
                return False
            missing.discard(name)
        return not missing

    def _check_room(self, found: snapshot.Snapshot) -> None:
        """Raise ``BackupError`` if the target lacks room for the database and the new blobs."""
        needed = _SPARE
        with self._data.file(found.path) as (_, facts):
            needed += facts.st_size
        for blob, size in found.blobs.items():
            if self._kept(_path_of(blob)) is None:
                needed += max(stored_sizes(size))
        if (free := self._target.free()) < needed:
            raise BackupError(
                f"the backup needs {needed:,} bytes where it is written, but {free:,} are free: make room, or choose "
                "another place; an earlier backup there is unchanged"
            )

    def _kept(self, path: str) -> Stored | None:
        """Return what the target has of a path from its previous backup."""
        stored = self._target.previous.get(path)
        return stored if stored is not None and self._target.has(stored) else None

    def _blob(self, blob: str, size: int) -> None:
        path = _path_of(blob)
        stored = self._kept(path)
        if stored is None:
            try:
                with self._data.file(path) as (file, facts):
                    if facts.st_size in stored_sizes(size):
                        digest = self._copied(file, facts.st_size)
                        stored = Stored(facts.st_size, digest, facts.st_mtime_ns)
            except FileNotFoundError:
                pass
        if stored is None:
            self._taken.lost.append(blob)
        else:
            self._taken.files[path] = stored

    def _file(self, source: str, path: str, *, whole_lines: bool = False, fresh: bool = False) -> None:
        """Copy a file. Unless it is ``fresh``, one with the same size and time as in the previous backup is kept."""
        with self._data.file(source) as (file, facts):
            size = _end_of_lines(file, facts.st_size) if whole_lines else facts.st_size
            stored = None if fresh else self._kept(path)
            if stored is None or (stored.size, stored.modified) != (size, facts.st_mtime_ns):
                stored = Stored(size, self._copied(file, size), facts.st_mtime_ns)
        self._taken.files[path] = stored

    def _bytes(self, path: str, content: bytes) -> None:
        with open(os.memfd_create(path), "wb") as file:
            file.write(content)
            file.flush()
            self._taken.files[path] = Stored(len(content), self._copied(file.fileno(), len(content)), 0)

    def _copied(self, file: int, size: int) -> bytes:
        try:
            digest = self._target.add(self._copier, file, size)
        except Truncated:
            raise BackupError(
                "a file of the data folder became shorter while it was copied: start the backup again"
            ) from None
        self._taken.new_files += 1
        self._taken.new_bytes += size
        return digest


def _path_of(blob: str) -> str:
    return f"{OBJECTS}/objects/{blob[:2]}/{blob}"


def _end_of_lines(file: int, size: int) -> int:
    """Return where the last complete line of a file ends; the rest is still being written."""
    while size:
        start = max(0, size - _BLOCK)
        last = os.pread(file, size - start, start).rfind(b"\n")
        if last >= 0:
            return start + last + 1
        size = start
    return 0
