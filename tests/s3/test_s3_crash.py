"""Killed at any moment, the file backend keeps what it acknowledged and shows nothing half-written."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import file_backend
from reading_room.s3.storage import Storage

CHILD = Path(__file__).with_name("s3_crash_child.py")
ROUNDS = 4


def run_and_kill(folder: Path, seed: int, seconds: float) -> list[list[object]]:
    """Run the victim, kill it after a while, and return what it said."""
    with subprocess.Popen([sys.executable, str(CHILD), str(folder), str(seed)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline()) == ["ready"]
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        lines = child.stdout.read().splitlines()
    return [json.loads(line) for line in lines if line.endswith(b"]")]


def content(store: Storage, key: str) -> bytes | None:
    """Return an object's bytes as a reader would get them."""
    found = store.lease("crash", key)
    if found is None:
        return None
    row, lease = found
    data = b"".join(lease.read(0, row.size))
    assert len(data) == row.size
    lease.release()
    return data


def test_kill_9_loses_nothing_acknowledged_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    dice = random.Random(4711)
    certain: dict[str, bytes | None] = {}
    for seed in range(ROUNDS):
        said = run_and_kill(tmp_path, seed, dice.uniform(0.2, 1.2))
        pending: tuple[str, bytes | None] | None = None
        for word, key, text, times in said:
            value = str(text).encode() * int(str(times)) if text is not None else None
            if word == "try":
                pending = (str(key), value)
            else:
                certain[str(key)] = value
                pending = None
        database = Database.open(tmp_path / "db.sqlite")
        backend: EmbeddedBackend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
        store = backend._store
        for key, value in certain.items():
            found = content(store, key)
            if pending is not None and pending[0] == key:
                # In flight at the kill: either of the two, and never a mixture.
                assert found in (value, pending[1])
                certain[key] = found
            else:
                assert found == value
        if pending is not None and pending[0] not in certain:
            found = content(store, pending[0])
            assert found in (None, pending[1])
            certain[pending[0]] = found
        # The sweep at the start left exactly the blobs that rows name.
        assert backend.sweep() == 0
        assert not list((tmp_path / "s3" / "incoming").iterdir())
        backend.close()
        database.close()
    assert len(certain) > 5


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db.sqlite")
    database.create_tables()
    backend = file_backend(database, tmp_path / "s3", "us-east-1", system_clock)
    writer = backend._store.blobs.create()
    writer.write(b"x")
    writer.seal()
    for path in (tmp_path / "s3").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    assert backend.sweep() == 1
    backend.close()
    database.close()
