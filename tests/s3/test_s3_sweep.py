"""Blobs that no row names are removed after a crash, while the store already answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.blobs import SMALL
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.tables import S3Bucket
from tests.worlds.databases import made

REGION = "us-east-1"
LARGE = bytes(SMALL + 1)
"""More bytes than are stored in a row."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with a bucket."""
    database = made(tmp_path / "db.sqlite")
    with database.transaction() as session:
        session.add(S3Bucket(name="bucket", account="1", region=REGION, created_at=system_clock()))
    yield database
    database.close()


def opened(database: Database, folder: Path) -> EmbeddedBackend:
    """Open the store as a start of the product does, and wait until what it began is done."""
    backend = file_backend(database, folder, REGION, system_clock)
    backend.begun()
    return backend


def test_a_start_looks_for_garbage_only_if_the_last_process_did_not_end_in_an_orderly_way(
    database: Database, tmp_path: Path
) -> None:
    garbage = tmp_path / "s3" / "objects" / "ab" / ("ab" * 16)
    backend = opened(database, tmp_path / "s3")
    garbage.touch()
    backend.close()
    # Nothing can be left after an orderly end, so the next start reads neither the files nor the rows.
    killed = opened(database, tmp_path / "s3")
    assert garbage.exists()
    # A process that was killed has not closed the store.
    restarted = opened(database, tmp_path / "s3")
    assert not garbage.exists()
    killed.close()
    restarted.close()


def test_a_process_that_could_not_delete_a_blob_leaves_the_sweep_to_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = opened(database, tmp_path / "s3")
    backend.put("bucket", "key", LARGE, "text/plain")

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        backend.delete("bucket", "key")
    backend.close()
    restarted = file_backend(database, tmp_path / "s3", REGION, system_clock)
    assert restarted.begun() == 1
    restarted.close()


def test_a_sweep_keeps_a_blob_whose_row_is_not_committed_yet(database: Database, tmp_path: Path) -> None:
    backend = opened(database, tmp_path / "s3")
    store = backend._store
    writer = store.create("1", DataKey.fresh())
    writer.write(LARGE)
    writer.seal()
    assert store.blobs.sealed() == [writer.blob_id]
    assert backend.sweep() == 0
    assert not store.is_swept()
    writer.discard()
    assert store.is_swept()
    backend.close()


def test_a_sweep_keeps_a_blob_that_is_being_read_until_the_read_is_over(database: Database, tmp_path: Path) -> None:
    backend = opened(database, tmp_path / "s3")
    store: Any = backend._store
    backend.put("bucket", "key", LARGE, "text/plain")
    row, lease = store.lease("bucket", "key")
    backend.delete("bucket", "key")
    assert not store.is_swept()
    backend.sweep()
    assert b"".join(lease.read(0, row.size)) == LARGE
    lease.release()
    assert store.blobs.sealed() == []
    assert store.is_swept()
    backend.close()
