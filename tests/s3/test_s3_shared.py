"""Several processes share a store: none deletes what another one needs, and what a dead one left is deleted.

The processes are backends of their own on one database and one folder; ``test_s3_processes.py`` has real ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import shared_file_backend
from reading_room.s3.backends.sums import BLOCK
from reading_room.s3.blobs import SMALL, owner_of
from reading_room.s3.checksums import Digests
from reading_room.s3.errors import Shortage
from reading_room.s3.object_cipher import DataKey
from reading_room.s3.operations.objects import plain_row, replace_object
from reading_room.s3.servers import BEAT_SECONDS, LONG_SECONDS, SILENT_BEATS
from reading_room.s3.space import MeteredWriter
from reading_room.s3.storage import Received, Storage
from reading_room.s3.tables import S3Bucket, S3Object, S3Server
from tests.worlds.databases import made

REGION = "us-east-1"
LARGE = bytes(SMALL + 1)
"""More bytes than are stored in a row."""


class Processes:
    """Processes of one store, and the clock of all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[tuple[EmbeddedBackend, Database]] = []
        self._killed: list[EmbeddedBackend] = []
        self.now = 0.0
        with made(folder / "db.sqlite").transaction() as session:
            session.add(S3Bucket(name="bucket", account="1", region=REGION, created_at=system_clock()))

    def start(self) -> EmbeddedBackend:
        """Start a process."""
        database = made(self._folder / "db.sqlite")
        folder = self._folder / "s3"
        backend = shared_file_backend(database, folder, REGION, system_clock, tick=lambda: self.now)
        self._opened.append((backend, database))
        return backend

    def kill(self, backend: EmbeddedBackend) -> None:
        """Let a process do nothing more, not even end."""
        self._killed.append(backend)

    def turns(self, count: int = 4) -> None:
        """Let every process have some turns, as in time."""
        for _ in range(count):
            self.now += BEAT_SECONDS
            for backend, _ in self._opened:
                if backend not in self._killed:
                    backend.turn().result()

    def blobs(self) -> list[str]:
        """Return the blobs in the folder."""
        return store_of(self._opened[0][0]).blobs.sealed()

    def close(self) -> None:
        """End every process that was not killed."""
        for backend, database in self._opened:
            if backend not in self._killed:
                backend.close()
            database.close()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """A store without processes."""
    found = Processes(tmp_path)
    yield found
    found.close()


def store_of(backend: EmbeddedBackend) -> Storage:
    """Return the storage of a process."""
    return backend._store


def read(backend: EmbeddedBackend, key: str = "key") -> bytes:
    """Return an object's bytes."""
    found = store_of(backend).lease("bucket", key)
    assert found is not None
    data = b"".join(found[1].read(0, found[0].size))
    found[1].release()
    return data


def test_what_one_process_writes_another_reads_and_replaces(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    one.put("bucket", "key", LARGE, "text/plain")
    assert read(two) == LARGE
    two.put("bucket", "key", LARGE + b"2", "text/plain")
    assert read(one) == LARGE + b"2"
    processes.turns()
    assert len(processes.blobs()) == 1


def test_a_reader_keeps_the_bytes_that_another_process_deletes(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    processes.turns()
    one.put("bucket", "key", LARGE, "text/plain")
    found = store_of(two).lease("bucket", "key")
    assert found is not None
    one.delete("bucket", "key")
    processes.turns()
    # The file is opened only now, as those of later parts of an object are.
    assert b"".join(found[1].read(0, len(LARGE))) == LARGE
    found[1].release()
    processes.turns()
    assert processes.blobs() == []


def test_a_long_read_delays_the_deletion_of_its_own_bytes_only(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    for key in ("read", "other"):
        one.put("bucket", key, LARGE, "text/plain")
    found = store_of(two).lease("bucket", "read")
    assert found is not None
    processes.now += LONG_SECONDS
    for key in ("read", "other"):
        one.delete("bucket", key)
    processes.turns()
    assert processes.blobs() == [blob for blob, _ in found[1].segments]
    found[1].release()
    processes.turns()
    assert processes.blobs() == []


def test_the_garbage_of_a_killed_process_is_removed_and_nothing_else(processes: Processes) -> None:
    one, killed, two = processes.start(), processes.start(), processes.start()
    killed.put("bucket", "kept", LARGE, "text/plain")
    killed.put("bucket", "deleted", LARGE, "text/plain")
    killed.delete("bucket", "deleted")
    unnamed, unfinished = store_of(killed).create("1", DataKey.fresh()), store_of(killed).create("1", DataKey.fresh())
    unnamed.write(LARGE)
    unfinished.write(bytes(BLOCK))
    unnamed.seal()
    # The same of a living process is not garbage.
    sealed, being_written = store_of(two).create("1", DataKey.fresh()), store_of(two).create("1", DataKey.fresh())
    sealed.write(LARGE)
    being_written.write(bytes(BLOCK))
    sealed.seal()
    processes.kill(killed)
    processes.turns(SILENT_BEATS + 6)
    name(two, "named late", sealed)
    processes.turns()
    assert read(one, "named late") == read(two, "kept") == LARGE
    assert len(processes.blobs()) == 2
    assert store_of(one).blobs.unfinished() == [being_written.blob_id]
    with store_of(one).database.reading() as session:
        assert session.get(S3Server, owner_of(unnamed.blob_id)) is None
    being_written.discard()


def name(backend: EmbeddedBackend, key: str, written: MeteredWriter) -> None:
    """Store the row of a sealed blob."""
    store, digests = store_of(backend), Digests(("CRC64NVME",))
    digests.update(LARGE)
    row = plain_row(store, "bucket", key, Received(written, digests), {}, {}, {})
    with store.admitted(written) as session:
        freed = replace_object(session, row, {}).freed
    store.committed(written, freed)


def of_row(backend: EmbeddedBackend, key: str) -> list[str]:
    """Return the blobs that the row of an object names."""
    with store_of(backend).database.reading() as session:
        row = session.get(S3Object, ("bucket", key.encode()))
        return [blob for blob, _ in row.segments] if row is not None else []


def test_a_process_that_was_suspended_stores_no_row_for_bytes_that_others_deleted(processes: Processes) -> None:
    one, suspended = processes.start(), processes.start()
    processes.turns()
    writer = store_of(suspended).create("1", DataKey.fresh())
    writer.write(LARGE)
    writer.seal()
    processes.kill(suspended)
    processes.turns(SILENT_BEATS + 6)
    assert processes.blobs() == []
    with pytest.raises(Shortage), store_of(suspended).admitted(writer):
        pytest.fail("the row was admitted")
    processes._killed.remove(suspended)
    processes.turns()
    suspended.put("bucket", "key", LARGE, "text/plain")
    assert read(one) == LARGE


def test_a_start_after_all_processes_were_killed_removes_what_they_left(processes: Processes) -> None:
    killed = processes.start()
    writer = store_of(killed).create("1", DataKey.fresh())
    writer.write(LARGE)
    writer.seal()
    processes.kill(killed)
    processes.start()
    processes.turns(SILENT_BEATS + 6)
    assert processes.blobs() == []


def test_tags_that_another_process_sets_are_known_at_once(processes: Processes) -> None:
    one, two = processes.start(), processes.start()
    one.put("bucket", "key", b"x", "text/plain")
    assert two.object_tags("bucket", "key") == {}
    with store_of(one).database.transaction() as session:
        row = session.get(S3Object, ("bucket", b"key"))
        assert row is not None
        row.tags = {"secret": "yes"}
    assert two.object_tags("bucket", "key") == {"secret": "yes"}


@pytest.mark.costs(2, reason="hundreds of reads, writes and deletions in three processes")
@pytest.mark.parametrize("seed", range(3))
def test_no_read_ever_lacks_its_bytes_and_at_the_end_nothing_is_left(processes: Processes, seed: int) -> None:
    dice = random.Random(seed)
    running = [processes.start() for _ in range(3)]
    reads: list[Any] = []
    for number in range(150):
        backend, key = dice.choice(running), f"key-{dice.randrange(4)}"
        match dice.randrange(7):
            case 0 | 1:
                backend.put("bucket", key, LARGE + b"%d" % number, "text/plain")
            case 2:
                backend.delete("bucket", key)
            case 3:
                found = store_of(backend).lease("bucket", key)
                reads += [found] if found is not None else []
            case 4 if reads:
                row, lease = reads.pop(dice.randrange(len(reads)))
                assert len(b"".join(lease.read(0, row.size))) == row.size
                lease.release()
            case _:
                processes.now += dice.choice((0.1, BEAT_SECONDS, BEAT_SECONDS, LONG_SECONDS))
                backend.turn().result()
    for row, lease in reads:
        assert len(b"".join(lease.read(0, row.size))) == row.size
        lease.release()
    processes.turns(SILENT_BEATS + 6)
    named = [blob for number in range(4) for blob in of_row(running[0], f"key-{number}")]
    assert sorted(processes.blobs()) == sorted(named)
