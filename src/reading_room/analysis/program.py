"""What a worker can do with a job: an analysis document by document, or one that needs its whole input at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from reading_room.analysis.engine import Engine, load_engine, named
from reading_room.analysis.job_file import Done, JobFile, ModelPlace, Progress
from reading_room.analysis.kinds import ENTRIES, PROGRAMS
from reading_room.analysis.storage import Storage

Mapper = Callable[[str, Sequence[Any]], Iterator[Any]]
"""A function's name and the items; yields one result per item, in their order."""


@dataclass(frozen=True, slots=True)
class Work:
    """A job and all that its program may touch.

    ``storage`` speaks as the data access role. ``artifacts`` speaks as the service, for the job's model only, and is
    there when the job has one. ``scratch`` is an empty folder. ``stopping`` turns true when the job should end early.
    ``now`` tells the seconds by which it is time to ``tell`` something, from whatever beginning.
    ``map`` is there when other containers can do what has a name in ``cluster/functions.py``; it is worth calling once,
    for they leave when it has come to its end.
    """

    job: JobFile
    storage: Storage
    scratch: Path
    stopping: Callable[[], bool]
    tell: Callable[[Progress], None]
    artifacts: Storage | None = None
    map: Mapper | None = None
    now: Callable[[], float] = time.monotonic


class Program(Protocol):
    """Does one job. Made before there is one, so that what takes time to load is loaded ahead."""

    def run(self, work: Work) -> Done:
        """Read, work, write. Raises ``JobFailure``; then no output object exists."""
        ...


@runtime_checkable
class DocumentsProgram(Program, Protocol):
    """The program of a kind with a line for each document: several containers may each have its engine."""

    def engine(self, work: Work) -> Engine:
        """Return what analyses the documents of a job, its model fetched. Raises ``JobFailure``."""
        ...


@runtime_checkable
class ModelProgram(DocumentsProgram, Protocol):
    """The program of a kind that analyses with a custom model."""

    def with_model(self, content: bytes, place: ModelPlace) -> Engine:
        """Check the bytes of a model's artifact and return what analyses with it. Raises ``JobFailure``."""
        ...


def load_program(name: str) -> Program:
    """Load the program of an engine's name. Raises ``ValueError`` for a name that is none."""
    if name not in PROGRAMS:
        raise ValueError(f"unknown engine {name!r}")
    loaded = () if ENTRIES[name].loads is None else (load_engine(name),)
    program: Program = named(PROGRAMS[name])(*loaded)
    return program
