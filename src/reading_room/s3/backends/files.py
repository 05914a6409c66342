"""The blob store on a file system: one file per blob under ``objects/``, with a random name that no key determines.

Small blobs have no file; their bytes are in the row of the object (``blobs.SMALL``). The bytes of every other blob are
followed by their checksums (``sums.py``), which verify every read.

The last digits of its name are those of the process that writes it, which matters if several share the folder.

A blob is written in ``incoming/``, synced, and moved to ``objects/XX/``; then that folder is synced. Only then may a
row name the blob. So the process can be killed at any moment: every acknowledged write is there, and any other leaves
at most a file that no row names. A sweep after the next start removes it (``Storage.sweep``). None is needed after an
orderly end, which leaves the file ``swept``.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from reading_room.clock import Clock
from reading_room.database.disk import free_bytes
from reading_room.database.engine import Database
from reading_room.durable import sync_folder
from reading_room.s3.backends.backup_lock import Deletions
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.sums import SummedBlob, SummedWriter
from reading_room.s3.blobs import DamagedBlob, StorageAway, new_blob_id, new_owner
from reading_room.s3.lifecycle_rules import DAY_SECONDS
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.servers import Servers
from reading_room.s3.space import SpaceLimits
from reading_room.shortage import is_shortage

LABEL = "store"
"""The file in a shared folder that says which database the blobs belong to."""
LABEL_BYTES = 64
_AWAY = frozenset({errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EREMOTEIO})
"""A shared file system cannot be reached."""


class FileBlobWriter(SummedWriter):
    """A blob being written. It gets a file once it is no longer small."""

    def __init__(self, store: FileBlobStore, key: DataKey | None) -> None:
        super().__init__(store.new_blob_id(), key)
        self._path = store.incoming / self.blob_id
        self._final = store.path(self.blob_id)
        self._file: int | None = None

    def _opened(self) -> int:
        # The file is opened for its first bytes, so that making a writer on the event loop does not touch the disk.
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return self._file

    def _append(self, data: bytes | bytearray) -> None:
        file, view = self._opened(), memoryview(data)
        while view:
            view = view[os.write(file, view) :]

    def seal(self) -> None:
        """Write the checksums, sync the file, move it to its place and sync that folder."""
        if self._taken:
            return
        self._finish()
        file = self._opened()
        os.fsync(file)
        os.close(file)
        self._file = None
        try:
            os.rename(self._path, self._final)
        except FileNotFoundError:
            raise StorageAway("another process deleted an unfinished blob, as this one was silent for long") from None
        sync_folder(self._final.parent)

    def discard(self) -> None:
        """Remove the file wherever it is."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._path.unlink(missing_ok=True)
        self._final.unlink(missing_ok=True)


class FileBlobReader(SummedBlob):
    """A blob being read from a file.

    Raises ``DamagedBlob`` if the file is missing or its footer belongs elsewhere, and ``OSError`` in a shortage.
    """

    def __init__(self, path: Path, blob_id: str, size: int, key: DataKey | None) -> None:
        super().__init__(blob_id, size, key)
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _fault(blob_id, "opened", error) from None
        try:
            # One byte more than expected is read, because a file that is too long is damaged, too.
            self.verify(self._bytes(size, self._footer_size + 1))
        except (DamagedBlob, OSError):
            self.close()
            raise

    def _bytes(self, start: int, length: int) -> bytes:
        try:
            return os.pread(self._file, length, start)
        except OSError as error:
            raise _fault(self.blob_id, "read", error) from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class FileBlobStore:
    """Blobs as files below a folder that only this user may read. ``name`` returns names for new blobs."""

    def __init__(self, folder: Path, name: Callable[[], str] | None = None) -> None:
        self.new_blob_id = name or partial(new_blob_id, new_owner())
        self.incoming = folder / "incoming"
        self._objects = folder / "objects"
        self._swept = folder / "swept"
        self._label = folder / LABEL
        for place in (folder, self.incoming, self._objects):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(256):
            (self._objects / f"{number:02x}").mkdir(mode=0o700, exist_ok=True)
        sync_folder(self._objects)
        sync_folder(folder)
        self._deletions = Deletions(folder, self._unlink)

    def begin(self) -> bool:
        """Remove the writes that the last process did not finish. Return whether it left no other garbage.

        Only the process that serves the folder may do that.
        """
        for unfinished in self.incoming.iterdir():
            unfinished.unlink()
        swept = self._swept.exists()
        self._swept.unlink(missing_ok=True)
        sync_folder(self._swept.parent)
        return swept

    def end(self, swept: bool) -> None:
        """Note for the next process whether rows name every blob. Nothing is written after this."""
        if swept and not self._deletions.waiting():
            self._swept.touch(mode=0o600)

    def path(self, blob_id: str) -> Path:
        """Return the path of a sealed blob."""
        return self._objects / blob_id[:2] / blob_id

    def create(self, key: DataKey | None = None) -> FileBlobWriter:
        """Begin a new blob."""
        return FileBlobWriter(self, key)

    def open(self, blob_id: str, size: int, end: int | None = None, key: DataKey | None = None) -> FileBlobReader:
        """Open a sealed blob of ``size`` bytes. Raises ``DamagedBlob``."""
        return FileBlobReader(self.path(blob_id), blob_id, size, key)

    def delete(self, blob_ids: Iterable[str]) -> None:
        """Remove blobs, or after the end of a running backup. After a crash a sweep removes the rest."""
        self._deletions.delete(list(blob_ids))

    def _unlink(self, blob_ids: Iterable[str]) -> None:
        for blob_id in blob_ids:
            self.path(blob_id).unlink(missing_ok=True)

    def sealed(self) -> list[str]:
        """Return the ids of all sealed blobs."""
        return [name for folder in self._objects.iterdir() for name in os.listdir(folder)]

    def label(self) -> str | None:
        """Return the text of the folder's label, which names the database of its blobs; ``None`` without one."""
        try:
            return self._label.read_bytes()[:LABEL_BYTES].decode("ascii", "replace")
        except FileNotFoundError:
            return None

    def set_label(self, text: str) -> None:
        """Write the label, durably."""
        draft = self.incoming / self.new_blob_id()
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._label)
        sync_folder(self._label.parent)

    def probe(self) -> None:
        """Do nothing: the folders were made, and the label is about to be read or written."""

    def fault(self) -> str | None:
        """Return why the folder cannot be used at the moment, or ``None``."""
        try:
            os.listdir(self.incoming)
            return None if self._label.exists() else "their shared folder is not mounted, or was emptied"
        except OSError as error:
            return f"their shared folder cannot be read ({error.strerror})"

    def unfinished(self) -> list[str]:
        """Return the ids of blobs that some process is writing, or was when it ended."""
        return os.listdir(self.incoming)

    def discard_unfinished(self, blob_ids: Iterable[str]) -> None:
        """Remove the files of blobs that no process writes any more."""
        for blob_id in blob_ids:
            (self.incoming / blob_id).unlink(missing_ok=True)


def _fault(blob_id: str, what: str, error: OSError) -> Exception:
    """Return the error of a blob that cannot be read: it is damaged, unless the process lacks resources for now."""
    if error.errno in _AWAY:
        return StorageAway(f"the folder of the objects cannot be reached ({error.strerror})")
    return error if is_shortage(error) else DamagedBlob(blob_id, f"cannot be {what} ({error.strerror})")


def file_backend(
    database: Database,
    folder: Path,
    region: str,
    clock: Clock,
    limits: SpaceLimits = SpaceLimits(),
    tick: Callable[[], float] = time.monotonic,
    day: float = DAY_SECONDS,
) -> EmbeddedBackend:
    """Open the backend with its bytes below ``folder`` and its rows in ``database``.

    If the last process did not end in an orderly way, garbage is removed in the background. Only one process at a time
    may open a folder.
    """
    blobs = FileBlobStore(folder)
    free, keys = partial(free_bytes, folder), ObjectKeys(database, clock)
    backend = EmbeddedBackend(database, blobs, region, clock, limits, free, tick, blobs.end, object_keys=keys, day=day)
    backend.begin(swept=blobs.begin())
    return backend


def shared_file_backend(
    database: Database,
    folder: Path,
    region: str,
    clock: Clock,
    limits: SpaceLimits = SpaceLimits(),
    tick: Callable[[], float] = time.monotonic,
) -> EmbeddedBackend:
    """Open the backend with its bytes below a folder that several processes with the same database may open.

    ``EmbeddedBackend.turn`` must be called every few seconds.
    """
    servers = Servers(database, tick)
    blobs = FileBlobStore(folder, servers.new_blob_id)
    free = partial(free_bytes, folder)
    keys = ObjectKeys(database, clock)
    backend = EmbeddedBackend(database, blobs, region, clock, limits, free, tick, servers=servers, object_keys=keys)
    backend.begin(swept=True)
    return backend
