"""Real processes share a folder of objects, and some are killed: no read lacks its bytes, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import select

from reading_room.clock import system_clock
from reading_room.s3.backends.files import shared_file_backend
from reading_room.s3.blobs import blob_names
from reading_room.s3.servers import SILENT_BEATS
from reading_room.s3.tables import S3Bucket, S3Object, S3Server
from tests.worlds.databases import made

CHILD = "tests.s3.s3_shared_child"
ROOT = Path(__file__).parents[2]
BEFORE = 4

on_sqlite = pytest.mark.skipif(
    os.environ.get("READING_ROOM_TEST_DATABASE") == "postgresql",
    reason="the processes that are killed would each have a PostgreSQL of their own",
)


def share(folder: Path, count: int, kills: int, work: int) -> None:
    """Run processes on one store, kill some, end the others, and check what is left.

    They all work before the first is killed, and after each kill the others do this many times ``STEPS`` more.
    """
    database = made(folder / "db.sqlite")
    with database.transaction() as session:
        session.add(S3Bucket(name="shared", account="1", region="us-east-1", created_at=system_clock()))
    command = [sys.executable, "-m", CHILD, str(folder), str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told: list[list[Any]] = []
        pids = work_of(process.stdout, told, count, BEFORE)
        for number, pid in enumerate(pids[:kills], start=1):
            os.kill(pid, signal.SIGKILL)
            work_of(process.stdout, told, count - number, work, killed=pids[:number])
        process.stdin.close()
        told += [json.loads(line) for line in process.stdout]
    assert [line for line in told if line[0] == "wrong"] == []
    ended = sorted(line[1] for line in told if line[0] == "ended")
    assert ended == [-signal.SIGKILL] * kills + [0] * (count - kills)
    last = shared_file_backend(database, folder / "s3", "us-east-1", system_clock)
    for _ in range(SILENT_BEATS + 6):
        last.turn().result()
    with database.reading() as session:
        assert len(session.scalars(select(S3Server)).all()) == 1
        rows = session.scalars(select(S3Object)).all()
    assert rows
    assert sorted(last._store.blobs.sealed()) == sorted(name for row in rows for name in blob_names(row.segments))
    assert last._store.blobs.unfinished() == []
    for row in rows:
        found = last._store.lease("shared", row.key.decode())
        assert found is not None
        assert sum(len(piece) for piece in found[1].read(0, row.size)) == row.size
        found[1].release()
    last.close()
    database.close()


def work_of(stream: IO[bytes], told: list[list[Any]], count: int, least: int, killed: Sequence[int] = ()) -> list[int]:
    """Read until so many processes, without those that were killed, have worked so often; return their ids."""
    worked: Counter[int] = Counter()
    while len(enough := [pid for pid, times in worked.items() if times >= least]) < count:
        line = json.loads(stream.readline())
        told.append(line)
        if line[0] == "works" and line[1] not in killed:
            worked[line[1]] += 1
    return enough


@on_sqlite
@pytest.mark.costs(4, reason="a program that is the processes is started, and they work for a while")
def test_two_processes_share_a_store_and_one_is_killed(tmp_path: Path) -> None:
    share(tmp_path, 2, 1, 1)


@on_sqlite
@pytest.mark.chaos
def test_six_processes_share_a_store_and_four_are_killed_one_after_the_other(tmp_path: Path) -> None:
    share(tmp_path, 6, 4, 20)
