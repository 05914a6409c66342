"""If the process is killed at any moment, the file backend keeps acknowledged writes and shows no partial ones."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.blobs import read_segments
from reading_room.s3.storage import Storage
from reading_room.s3.tables import S3Object, S3Part, S3Upload
from reading_room.s3.versions_listing import list_versions
from tests.s3.s3_crash_child import KEYS, body
from tests.worlds.databases import SEALER

CHILD = "tests.s3.s3_crash_child"
ROOT = Path(__file__).parents[2]
PHASES = {
    "in a write",
    *(f"{when} {what}" for when in ("before", "after") for what in ("a write", "a sync", "a rename", "a removal")),
    "before a commit",
    "after a commit",
}
LATEST_STEP = 120

Value = list[Any] | None

on_sqlite = pytest.mark.skipif(
    os.environ.get("READING_ROOM_TEST_DATABASE") == "postgresql",
    reason="the processes that are killed would each have a PostgreSQL of their own",
)


class Victims:
    """The process that forks victims, one after the other, on one store."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", CHILD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run_one(self, seed: int, steps: int, seconds: float) -> Iterator[list[Any]]:
        """Run a victim until it is killed; yield the lines that it prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([seed, steps]).encode() + b"\n")
        self._process.stdin.flush()
        pid = 0
        while (line := json.loads(self._process.stdout.readline()))[0] != "over":
            if line[0] == "begins":
                pid = line[1]
            elif line[0] == "ready" and not steps:
                threading.Timer(seconds, os.kill, (pid, signal.SIGKILL)).start()
            yield line
        assert line[1] == -signal.SIGKILL, "the victim failed before it was killed"

    def close(self) -> None:
        """Wait for the process to end."""
        self._process.communicate()


class ExpectedState:
    """What the store should contain: acknowledged changes, and perhaps the one in flight at the kill."""

    def __init__(self) -> None:
        self.certain: dict[str, Value] = dict.fromkeys(KEYS)
        self.pending: dict[str, Value] = {}
        self.uploads: dict[str, dict[int, Value]] = {}
        self.part_pending: tuple[str, int] | None = None
        self.versions: dict[str, dict[str, Value]] = {key: {} for key in KEYS}
        """Of each key the acknowledged versions by their ids, the oldest first; delete markers have no value."""
        self.version_pending: tuple[str, Value] | None = None
        self.removal_pending: tuple[str, str] | None = None

    def note(self, line: list[Any]) -> None:
        """Update the expected state from a line that a victim printed."""
        match line:
            case ["try", values]:
                self.pending = values
            case ["done", values]:
                self.certain |= values
                self.pending = {}
            case ["upload", upload]:
                self.uploads[upload] = {}
            case ["upload ends", upload]:
                del self.uploads[upload]
            case ["part try", upload, number]:
                self.part_pending = (upload, number)
            case ["part", upload, number, value]:
                self.uploads[upload][number] = value
                self.part_pending = None
            case ["version try", key, value]:
                self.version_pending = (key, value)
            case ["version", key, version, value]:
                self.versions[key][version] = value
                self.version_pending = None
            case ["removal try", key, version]:
                self.removal_pending = (key, version)
            case ["removal", key, version]:
                del self.versions[key][version]
                self.removal_pending = None

    def compare(self, store: Storage) -> None:
        """Fail if the store differs from the expected state. Note whether the change in flight was made."""
        with store.database.reading() as session:
            listed = {key.decode() for key in session.scalars(select(S3Object.key).where(S3Object.bucket == "crash"))}
        found = {key: read(store, key) if key in listed else None for key in KEYS}
        before = {key: None if value is None else body(value) for key, value in self.certain.items()}
        after = before | {key: None if value is None else body(value) for key, value in self.pending.items()}
        # The change in flight was made completely or not at all, even if it concerned several keys.
        assert found in (before, after)
        if found == after:
            self.certain |= self.pending
        self.pending = {}
        self._compare_uploads(store)
        self._compare_versions(store)

    def _compare_versions(self, store: Storage) -> None:
        for key, known in self.versions.items():
            with store.database.reading() as session:
                page = list_versions(session, "kept", prefix=key, after=(b"", -(2**62)))
            found = {row.version_id or "": row.is_delete_marker for row in reversed(page.versions)}
            removed = self.removal_pending
            # The removal in flight was made or not.
            if removed is not None and removed[0] == key and removed[1] not in found:
                del known[removed[1]]
            if len(found) > len(known) and self.version_pending is not None and self.version_pending[0] == key:
                known[list(found)[-1]] = self.version_pending[1]
            assert list(found) == list(known)
            for version, value in known.items():
                assert found[version] is (value is None)
                assert value is None or read(store, key, version) == body(value)
            newest = list(known.values())[-1] if known else None
            assert read(store, key, bucket="kept") == (None if newest is None else body(newest))
        self.version_pending = self.removal_pending = None

    def _compare_uploads(self, store: Storage) -> None:
        with store.database.reading() as session:
            kept = {upload.upload_id: store.key_of(upload) for upload in session.scalars(select(S3Upload))}
            parts = {(part.upload_id, part.part_number): part for part in session.scalars(select(S3Part))}
        for upload, numbers in self.uploads.items():
            assert upload in kept
            for number, value in numbers.items():
                part = parts[upload, number]
                segments = [(part.blob, part.size)]
                data = b"".join(read_segments(store.blobs, segments, 0, part.size, 1 << 20, kept[upload]))
                if (upload, number) != self.part_pending:
                    assert data == body(value or [])
        if self.part_pending is not None and self.part_pending[0] in self.uploads:
            # An upload of this part was in flight, so the store may hold its old or its new version.
            self.uploads[self.part_pending[0]].pop(self.part_pending[1], None)
        self.part_pending = None


def read(store: Storage, key: str, version: str | None = None, bucket: str = "") -> bytes | None:
    """Return the bytes of an object, or of a version in the bucket that keeps them, as a reader would get them."""
    found = store.lease(bucket or ("crash" if version is None else "kept"), key, version)
    if found is None:
        return None
    row, lease = found
    data = b"".join(lease.read(0, row.size))
    assert len(data) == row.size
    lease.release()
    return data


def kill(folder: Path, rounds: int, seed: int) -> Counter[str]:
    """Kill a victim in each round and check the store after it; return the phases in which they were killed."""
    dice = random.Random(seed)
    phases: Counter[str] = Counter()
    expected, victims = ExpectedState(), Victims(folder)
    try:
        for number in range(rounds):
            # Two of three victims die at a given step, the third after a random time.
            steps = dice.randrange(1, LATEST_STEP) if number % 3 else 0
            for line in victims.run_one(seed + number, steps, dice.uniform(0, 0.4)):
                expected.note(line)
                if line[0] == "dies":
                    phases[line[1]] += 1
            database = Database.open(folder / "db.sqlite", sealer=SEALER)
            backend: EmbeddedBackend = file_backend(database, folder / "s3", "us-east-1", system_clock)
            expected.compare(backend._store)
            # The sweep after the start has left only blobs that rows reference.
            backend.begun()
            assert backend.sweep() == 0
            assert not list((folder / "s3" / "incoming").iterdir())
            backend.close()
            database.close()
    finally:
        victims.close()
    return phases


@on_sqlite
@pytest.mark.costs(8, reason="kills twenty-five processes while they write")
def test_kill_9_loses_no_acknowledged_write_and_leaves_no_partial_one(tmp_path: Path) -> None:
    phases = kill(tmp_path, 25, 4711)
    assert len(phases) > 4


@on_sqlite
@pytest.mark.chaos
@pytest.mark.timeout(1500)
def test_500_kills_in_every_phase_of_writing_lose_no_acknowledged_write_and_leave_no_partial_one(
    tmp_path: Path,
) -> None:
    assert set(kill(tmp_path, 500, 20261125)) == PHASES


def test_a_blob_is_synced_before_its_rename_and_its_folder_before_the_acknowledgement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(tmp_path / "db.sqlite", sealer=SEALER)
    database.create_tables()
    backend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
    backend.begun()
    steps: list[str] = []
    fsync, rename = os.fsync, os.rename

    def syncing(file: int) -> None:
        steps.append(f"sync {Path(os.readlink(f'/proc/self/fd/{file}')).parent.name}")
        fsync(file)

    def renaming(old: Path, new: Path) -> None:
        steps.append("rename")
        rename(old, new)

    writer = backend._store.blobs.create()
    writer.write(b"x")
    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "rename", renaming)
    writer.seal()
    assert steps == ["sync incoming", "rename", "sync objects"]
    backend.close()
    database.close()


def test_files_are_accessible_to_their_owner_only(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db.sqlite", sealer=SEALER)
    database.create_tables()
    backend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
    backend.begun()
    writer = backend._store.blobs.create()
    writer.write(b"x")
    writer.seal()
    for path in (tmp_path / "s3").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    assert backend.sweep() == 1
    backend.close()
    database.close()
