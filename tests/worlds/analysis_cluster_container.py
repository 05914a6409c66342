"""A container of a job, as a process: the real cluster, with storage in a folder and a slow engine."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from reading_room.analysis.cluster import tasks
from reading_room.analysis.engine import Result, one_thread
from reading_room.analysis.job import DocumentProgram
from reading_room.analysis.job_file import Failed, JobFile, WorkerMessage, encode_message
from reading_room.analysis.memory import CapitalWords, Folder, MemoryStorage
from reading_room.analysis.program import Program, Work
from reading_room.analysis.storage import JobFailure

LOADED = (
    *(f"reading_room.analysis.cluster.{name}" for name in ("alone", "first", "member")),
    "reading_room.analysis.topics.program",
    "reading_room.analysis.training.classifier",
)
"""The modules that containers load."""
BATCH = 100
"""How many documents are encoded at a time to find topics, so that few are enough for each container to have some."""


class HeldCapitalWords:
    """Finds capitalised words, and takes this many seconds for each document until a file ``go`` exists.

    Some documents are held. A document with the word ``hold`` is not finished before the file ``go`` exists, and one
    with the word ``last`` not before this container must end early. A document that begins with ``stay in
    <members>`` is only finished by a container that is not among those named. Each container records that it has begun
    to work in a file ``at-<member>``.
    """

    result_member = "Entities"

    def __init__(self, seconds: float, member: int, notes: Path) -> None:
        self._engine = CapitalWords()
        self._seconds = seconds
        self._member = str(member)
        self._notes = notes

    def analyse(self, texts: Iterable[str]) -> Iterator[Result]:
        """Yield the capitalised words of each text."""
        for text in texts:
            (self._notes / f"at-{self._member}").touch()
            while self._held(text):
                time.sleep(0.01)
            if not self._let_go():
                time.sleep(self._seconds)
            yield from self._engine.analyse([text])

    def _held(self, text: str) -> bool:
        words = text.split()
        if text.startswith("stay in") and self._member in words[2:]:
            return True
        return ("hold" in words and not self._let_go()) or ("last" in words and not tasks._ending.is_set())

    def _let_go(self) -> bool:
        return (self._notes / "go").exists()


def load(name: str, seconds: float, member: int, notes: Path) -> Program:
    """Return the program of a kind."""
    if name == "topics":
        from reading_room.analysis.topics.program import Topics

        return Topics(batch=BATCH)
    if name == "classifier-training":
        from reading_room.analysis.training.classifier import ClassifierTraining

        return ClassifierTraining()
    return DocumentProgram(HeldCapitalWords(seconds, member, notes))


def run(options: dict[str, Any], output: Connection) -> None:
    """Run the container that the options describe, write the messages of a worker to the pipe, and end the process."""
    os.dup2(output.fileno(), sys.stdout.fileno())
    os._exit(_container(options))


def _container(options: dict[str, Any]) -> int:
    one_thread()
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    job = JobFile.from_json(options["job"])
    assert job.cluster is not None
    folder = Path(options["folder"])
    program = load(job.kind, options["seconds"], job.cluster.member, folder)
    from reading_room.analysis.cluster.alone import run_alone
    from reading_room.analysis.cluster.first import run_first
    from reading_room.analysis.cluster.member import run_member

    first = partial(run_first, worker_ttl=options["worker_ttl"])
    role = run_alone if job.cluster.containers == 1 else first if job.cluster.member == 0 else run_member
    try:
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as scratch:
            user = MemoryStorage(Folder(folder / "user"), chunk=1 << 16)
            service = MemoryStorage(Folder(folder / "service"), chunk=1 << 16)
            work = Work(job, user, Path(scratch), lambda: bool(signals), _tell, service)
            _tell(role(work, program, options["service"]))
    except JobFailure as failure:
        _tell(Failed(failure.code, failure.message))
        return 1
    return 0


def _tell(message: WorkerMessage) -> None:
    sys.stdout.write(encode_message(message) + "\n")
    sys.stdout.flush()
