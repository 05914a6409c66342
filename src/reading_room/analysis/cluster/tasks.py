"""What runs in a container of a job for another one: the functions that Dask is told to call, and what they work with.

A process does one job, so what they work with is of the process. What goes wrong comes back as a value: an exception
of ours would have to survive being pickled, and says no more.
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
    """What a task came to: a value, or the failure of the job."""

    value: Any = None
    failure: tuple[str, str] | None = None
    """Its code and message."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a function with a name is called with, wrapped so that Dask does not look for tasks inside."""

    value: Any


@dataclass(frozen=True, slots=True)
class Settled:
    """What this process has for its one job. ``engine`` is there when the job has a line for each document."""

    program: Program
    work: Work
    member: int
    engine: Engine | None


_settled: Settled | None = None
_ending = threading.Event()


def settle(work: Work, program: Program) -> Settled:
    """Get ready for the tasks of a job: fetch its model, if it has one. Raises ``JobFailure``."""
    global _settled
    assert work.job.cluster is not None
    engine = program.engine(work) if isinstance(program, DocumentsProgram) else None
    _settled = Settled(program, work, work.job.cluster.member, engine)
    return _settled


def end_early() -> None:
    """Let the part that is analysed in this process end with the document that it is at."""
    _ending.set()


def part_key(job: JobFile, part: int, member: int) -> str:
    """Return the key of an object for a part, one that no other execution has."""
    return f"{part_prefix(job)}{part}-{member}-{secrets.token_hex(8)}"


def run_part(part: Part) -> Outcome:
    """Analyse a part and write its object, under a name that no other execution has; its result is the value."""
    here = _here()
    engine = here.engine
    assert engine is not None
    job = here.work.job
    key = part_key(job, part.number, here.member)

    def work() -> Any:
        with tempfile.TemporaryDirectory(dir=here.work.scratch) as scratch:
            tell, asked = _teller(part.number), _ending.is_set
            return write_part(job, engine, here.work.storage, part, key, Path(scratch), asked, tell, here.work.now)

    return _outcome(work)


def call(name: str, item: Item) -> Outcome:
    """Call one of the functions that have a name; what it returns is the value."""
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
            # Fewer containers, and not a dead job: the others do it, who may have more left.
            sys.stderr.write("this container has not enough memory for the part that it was given\n")
            sys.stderr.flush()
            os._exit(1)
        return Outcome(failure=("CLUSTER_LOST", "the first container has not enough memory beside its cluster"))
    except Exception as error:
        return Outcome(failure=("INTERNAL_ERROR", f"{type(error).__name__}: {error}"))


def _teller(part: int) -> Callable[[int], None]:
    """Return what tells the first container how many documents of a part are finished."""
    from distributed import get_worker

    worker: Any = get_worker()
    return lambda documents: worker.log_event(PROGRESS_TOPIC, [part, documents])
