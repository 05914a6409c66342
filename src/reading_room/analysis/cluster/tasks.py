"""The tasks that one container of a job runs for another: the functions that Dask calls, and the state they use.

A process does one job, so the state is global. A failure is returned as a value, because an exception of ours would
have to survive being pickled, and would say no more.
"""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reading_room.analysis.cluster.functions import FUNCTIONS
from reading_room.analysis.cutting import Part
from reading_room.analysis.engine import Engine
from reading_room.analysis.job_file import JobFile
from reading_room.analysis.part_work import part_prefix, write_part
from reading_room.analysis.program import DocumentsProgram, Program, Work
from reading_room.analysis.storage import JobFailure

PROGRESS_TOPIC = "reading-room-progress"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a task: a value, or the failure of the job."""

    value: Any = None
    failure: tuple[str, str] | None = None
    """Its code and message."""


@dataclass(frozen=True, slots=True)
class Item:
    """The argument of one of ``FUNCTIONS``, wrapped so that Dask does not look for tasks inside it."""

    value: Any


@dataclass(frozen=True, slots=True)
class Settled:
    """The state of this process for its one job. ``engine`` is set if the job has one result per document."""

    program: Program
    work: Work
    member: int
    engine: Engine | None


_settled: Settled | None = None
_ending = threading.Event()


def settle(work: Work, program: Program) -> Settled:
    """Prepare for the tasks of a job, and fetch its model if it has one. Raise ``JobFailure``."""
    global _settled
    assert work.job.cluster is not None
    engine = program.engine(work) if isinstance(program, DocumentsProgram) else None
    _settled = Settled(program, work, work.job.cluster.member, engine)
    return _settled


def end_early() -> None:
    """Let the part that this process analyses end after its current document."""
    _ending.set()


def part_key(job: JobFile, part: int, member: int) -> str:
    """Return a key for a part's object that no other run of the part uses."""
    return f"{part_prefix(job)}{part}-{member}-{secrets.token_hex(8)}"


def run_part(part: Part) -> Outcome:
    """Analyse a part, write its object under a key of its own, and return its result as the outcome."""
    here = _here()
    engine = here.engine
    assert engine is not None
    job = here.work.job
    key = part_key(job, part.number, here.member)

    def work() -> Any:
        with tempfile.TemporaryDirectory(dir=here.work.scratch) as scratch:
            tell, must_stop = _progress_reporter(part.number), _ending.is_set
            return write_part(job, engine, here.work.storage, part, key, Path(scratch), must_stop, tell, here.work.now)

    return _outcome(work)


def call(name: str, item: Item) -> Outcome:
    """Call one of ``FUNCTIONS``, and return its result as the outcome."""
    here = _here()
    return _outcome(lambda: FUNCTIONS[name](here.program, item.value))


def _here() -> Settled:
    assert _settled is not None
    return _settled


def _outcome(work: Callable[[], Any]) -> Outcome:
    try:
        return Outcome(work())
    except JobFailure as failure:
        return Outcome(failure=(failure.code, failure.message))
    except MemoryError:
        here = _here()
        if here.member > 0:
            # Lose this container rather than fail the job: the others, which may have more memory left, take its part.
            sys.stderr.write("this container has too little memory for its task\n")
            sys.stderr.flush()
            os._exit(1)
        return Outcome(
            failure=("CLUSTER_LOST", "the first container has too little memory for its task beside the cluster")
        )
    except Exception as error:
        return Outcome(failure=("INTERNAL_ERROR", f"{type(error).__name__}: {error}"))


def _progress_reporter(part: int) -> Callable[[int], None]:
    """Return a function that reports to the first container how many documents of a part are analysed."""
    from distributed import get_worker

    worker: Any = get_worker()
    return lambda documents: worker.log_event(PROGRESS_TOPIC, [part, documents])
