"""Processes that share a store, write and read it at random, and check what they read.

``python -m tests.s3.s3_shared_child FOLDER COUNT`` forks so many and prints a JSON line for whatever one of them does
wrong, and ``["works", PID]`` whenever one has done ``STEPS`` more. They end when the standard input does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.files import shared_file_backend
from reading_room.s3.blobs import DamagedBlob
from reading_room.s3.errors import Shortage
from tests.worlds.databases import SEALER

KEYS = tuple(f"key-{number}" for number in range(6))
TURN_SECONDS = 0.1
STEPS = 5


def say(*words: object) -> None:
    """Print a JSON line, in one write."""
    os.write(1, (json.dumps(words) + "\n").encode())


class Sharer:
    """One process of the store."""

    def __init__(self, folder: Path) -> None:
        self._backend: EmbeddedBackend = shared_file_backend(
            Database.open(folder / "db.sqlite", sealer=SEALER), folder / "s3", "us-east-1", system_clock
        )
        self._dice = random.Random(os.getpid())
        self._told_to_end = False
        self._stop = threading.Event()
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: object) -> None:
        # No event, whose lock the interrupted code may hold.
        self._told_to_end = True

    def work(self) -> None:
        """Write, read and delete until SIGTERM, and end in an orderly way."""
        beats = threading.Thread(target=self._turns)
        beats.start()
        done = 0
        while not self._told_to_end:
            self._step(self._dice.choice(KEYS), done)
            done += 1
            if done % STEPS == 0:
                say("works", os.getpid())
        self._stop.set()
        beats.join()
        self._backend.close()

    def _turns(self) -> None:
        while not self._stop.wait(TURN_SECONDS):
            self._backend.turn()

    def _step(self, key: str, number: int) -> None:
        match self._dice.randrange(5):
            case 0 | 1:
                content = f"{os.getpid()}-{number}-".encode() * self._dice.choice((5, 2_000, 20_000))
                try:
                    self._backend.put("shared", key, content, "text/plain")
                except Shortage:
                    say("fenced", os.getpid())
            case 2:
                self._backend.delete("shared", key)
            case _:
                self._read(key)

    def _read(self, key: str) -> None:
        storage, servers = self._backend._store, self._backend._servers
        assert servers is not None
        before = servers.id
        found = storage.lease("shared", key)
        if found is None:
            return
        row, lease = found
        # Long enough that others replace or delete the object meanwhile.
        time.sleep(self._dice.uniform(0, 3 * TURN_SECONDS))
        try:
            right = hashlib.sha256(b"".join(lease.read(0, row.size))).hexdigest() == row.sha256
            problem = None if right else "other bytes"
        except DamagedBlob as error:
            problem = str(error)
        lease.release()
        # On a machine so busy that this process was silent for long, others may delete what it reads.
        self._backend.turn()
        if problem is not None and servers.id == before:
            say("wrong", key, problem)


def main(folder: Path, count: int) -> None:
    """Fork the processes, and end them when the standard input ends."""
    pids = []
    for _ in range(count):
        pid = os.fork()
        if not pid:
            code = 3
            try:
                Sharer(folder).work()
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    sys.stdin.read()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    for pid in pids:
        say("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
