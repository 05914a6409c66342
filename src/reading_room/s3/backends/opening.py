"""The backend that the settings name: a folder of this process alone, a shared folder, or a bucket of an S3 service.

A shared store has a label, which the database has, too. So a process refuses the store of another database, whose
blobs would look like garbage to it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select

from reading_room.clock import Clock
from reading_room.database.disk import free_bytes
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import FileBlobStore, file_backend
from reading_room.s3.backends.place import Bucket, PlaceError
from reading_room.s3.blobs import BlobStore, DamagedBlob, StorageAway, blob_names
from reading_room.s3.object_keys import ObjectKeys
from reading_room.s3.servers import Servers
from reading_room.s3.space import SpaceLimits
from reading_room.s3.tables import S3Object, S3Part, S3Store, S3Upload, S3Version
from reading_room.s3.versions import StoredVersion
from reading_room.settings import Settings

if TYPE_CHECKING:
    from reading_room.s3.backends.remote import RemoteBlobStore

logger = logging.getLogger(__name__)

FOLDER = "objects"
"""The folder in the data folder."""
SCRATCH = "scratch"
"""The folder for temporary files in the data folder."""
_ONLY = 1
_RIGHTS = (
    "allow the key s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the objects, and "
    "s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, or name another place"
)


class _SharedStore(BlobStore, Protocol):
    def label(self) -> str | None: ...

    def set_label(self, text: str) -> None: ...

    def fault(self) -> str | None: ...

    def probe(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A backend, and what keeps a shared one going."""

    backend: EmbeddedBackend
    turn: Callable[[], None] | None = None
    """To be called every ``BEAT_SECONDS``; ``None`` if the store is not shared."""
    fault: Callable[[], str | None] | None = None
    """Returns why the store cannot be used at the moment, or ``None``."""
    close: Callable[[], None] = lambda: None


def open_backend(settings: Settings, database: Database, clock: Clock, bucket: Bucket | None) -> Opened:
    """Open the backend that the settings name. Raises ``PlaceError``."""
    if not settings.objects:
        folder = settings.data / FOLDER
        # With a shared database, the blobs may be in the data folder of another process.
        place, labelled = f"the data folder {settings.data}", not database.shared
        _check_left(database, FileBlobStore(folder), place, ObjectKeys(database, clock), labelled)
        limits, day = SpaceLimits.of(settings), settings.lifecycle_day
        return Opened(file_backend(database, folder, settings.region, clock, limits, day=day))
    servers = Servers(database)
    close: Callable[[], None] = lambda: None  # noqa: E731
    store: _SharedStore
    if bucket is not None:
        remote = _remote(bucket, servers, settings.data / SCRATCH)
        store, free, close = remote, partial(free_bytes, settings.data), remote.close
    else:
        shared = settings.objects_folder
        assert shared is not None
        try:
            # It is not made here, since it would then be made below a mount point without its file system.
            free_bytes(shared)
            store, free = FileBlobStore(shared, servers.new_blob_id), partial(free_bytes, shared)
        except OSError as error:
            raise PlaceError(
                f"READING_ROOM_OBJECTS={settings.objects} cannot be used ({error.filename}: {error.strerror}): mount "
                "the file system, and make the user of serve the owner of the folder"
            ) from None
    keys = ObjectKeys(database, clock)
    check = _Label(database, store, settings.objects, keys)
    try:
        check()
    except StorageAway as error:
        if error.refused:
            raise PlaceError(f"{error.strerror}: {_RIGHTS}") from None
        logger.error("starting without the objects, which will be tried again: %s", error.strerror)
    limits = SpaceLimits.of(settings)
    region, day = settings.region, settings.lifecycle_day
    backend = EmbeddedBackend(database, store, region, clock, limits, free, servers=servers, object_keys=keys, day=day)
    backend.begin(swept=True)

    def turn() -> None:
        # Nothing is deleted from a store that may be another database's.
        check()
        backend.turn()

    return Opened(backend, turn, store.fault, close)


def _remote(bucket: Bucket, servers: Servers, scratch: Path) -> RemoteBlobStore:
    # Its client takes time and memory, which other stores do not need.
    from reading_room.s3.backends.remote import RemoteBlobStore

    scratch.mkdir(mode=0o700, exist_ok=True)
    return RemoteBlobStore(bucket, servers.new_blob_id, scratch)


class _Label:
    """Checks once that a store is that of the database, and labels a new one."""

    def __init__(self, database: Database, store: _SharedStore, place: str, keys: ObjectKeys) -> None:
        self._database = database
        self._keys = keys
        self._store = store
        self._place = place
        self._checked = False

    def __call__(self) -> None:
        """Raise ``PlaceError`` for the store of another database, and ``StorageAway``."""
        if self._checked:
            return
        self._store.probe()
        found = self._store.label()
        with self._database.reading() as session:
            own = session.scalar(select(S3Store.store))
        if found is None:
            _check_left(self._database, self._store, self._place, self._keys, labelled=False)
            own = own or self._named()
            self._store.set_label(own)
        elif found != own:
            raise PlaceError(
                f"READING_ROOM_OBJECTS={self._place} has the objects of another database: name an empty place, because "
                "what this database does not know would be deleted there"
            )
        self._checked = True

    def _named(self) -> str:
        with self._database.transaction() as session:
            row = session.get(S3Store, _ONLY)
            if row is None:
                row = S3Store(one=_ONLY, store=secrets.token_hex(16))
                session.add(row)
            return row.store


def _check_left(database: Database, store: BlobStore, place: str, keys: ObjectKeys, labelled: bool) -> None:
    """Raise ``PlaceError`` if the database names blobs that are in another store.

    With ``labelled``, only databases are looked at whose blobs were in a shared store once.
    """
    with database.reading() as session:
        if labelled and session.scalar(select(S3Store.store)) is None:
            return
        tables: tuple[type[StoredVersion], ...] = (S3Object, S3Version)
        rows: list[StoredVersion] = []
        for table in tables:
            rows += session.scalars(select(table).where(table.content.is_(None), table.size > 0).limit(1))
        parts = session.execute(select(S3Part, S3Upload).join(S3Upload).limit(1)).all()
    found = [(row, *each) for row in rows for each in row.segments[:1] if each[0] in blob_names(row.segments)]
    for row, blob, size in [*found, *((upload, part.blob, part.size) for part, upload in parts)]:
        try:
            store.open(blob, size, key=keys.of(row)).close()
        except DamagedBlob:
            raise PlaceError(
                f"the database names objects whose bytes are not in {place}: copy them there first "
                "(docs/operations/objects.md), or set READING_ROOM_OBJECTS back to where they are"
            ) from None
