"""How far a job is, in words: documents of all, rate, time left. For its log stream, and for whoever reads that.

A running job says it after ten seconds, then at intervals that double, in the end every five minutes: a short job is
followed closely, and a long one does not fill its stream. ``line`` writes the sentence, ``read`` takes it apart again.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reading_room.jobs.job import Phase

LOG_GROUP = "/reading-room/jobs"
"""The log group of job stories; a stream is named by its job's id."""
EVENT = "Progress"
"""The event of these lines in a job's story."""
EARLY_SECONDS = (10, 30, 70, 150, 310)
"""When a job tells how far it is, in seconds since it first ran."""
LATER_SECONDS = 300
"""How often it does after these."""
WORKING = frozenset({Phase.RUNNING.value, Phase.STOPPING.value})
_RATES = ((1, "second"), (60, "minute"), (3600, "hour"), (86_400, "day"))
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_MOST_SECONDS = 100 * 86_400
LEFT_DOCUMENTS = 20
"""How many documents must have been finished since an earlier moment before anything is said of the time left."""
LEFT_ERROR = 0.2
"""How wrong the rate is taken to be at best, as a fraction: documents differ, and so does the work of the machine."""

_LINE = re.compile(
    r"(?P<documents>[\d,]+)(?: of (?P<of>[\d,]+))? documents?"
    r"(?:, (?P<rate>[\d,.]+ an? \w+))?"
    r"(?:, about (?P<least>\d+)(?: to (?P<most>\d+))? (?P<unit>s|min|h|d) left)?"
    r"(?:, in (?P<containers>\d+) containers)?"
)


class Job(Protocol):
    """What is asked of a job's row. Documents are as the worker tells them: any number may be there."""

    @property
    def job_id(self) -> str:
        """Its id."""
        ...

    @property
    def phase(self) -> str:
        """Where it is."""
        ...

    @property
    def documents(self) -> int:
        """Documents finished."""
        ...

    @property
    def documents_of(self) -> int:
        """Documents in all; 0 while that is not known."""
        ...

    @property
    def containers(self) -> int:
        """Containers that it runs in."""
        ...

    @property
    def running_at(self) -> dt.datetime | None:
        """When it first ran; ``None`` before."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """How many documents a job had finished at an earlier moment."""

    at: dt.datetime
    documents: int


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds until the rest is done: so many at the least, and so many at the most."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """How far a job is. ``None`` is what is not known, or cannot be, as a total of less than is finished."""

    documents: int
    total: int | None
    rate: float | None
    """Documents a second since it was seen before, or else since it first ran."""
    left: Left | None
    """``None``, too, while an estimate would mean nothing."""


def measure(job: Job, now: dt.datetime, before: Seen | None = None) -> Measured:
    """Return how far a job is. Without an earlier moment to compare with, nothing can be said of the time left.

    The time since it first ran is no measure: a container takes seconds to load its engine, and in them finishes
    nothing.
    """
    documents = max(0, job.documents)
    total = job.documents_of if job.documents_of >= max(1, documents) else None
    rate = None if job.running_at is None else _per_second(documents, (now - job.running_at).total_seconds())
    left = None
    if before is not None:
        # Another attempt begins again: nothing of the first can be compared with it.
        done, seconds = documents - before.documents, (now - before.at).total_seconds()
        recent = _per_second(done, seconds)
        rate = rate if recent is None else recent
        left = None if total is None or recent is None else _left(total - documents, done, recent)
    return Measured(documents, total, rate, left)


def _per_second(documents: int, seconds: float) -> float | None:
    return documents / seconds if documents > 0 and seconds >= 1 else None


def _left(rest: int, done: int, rate: float) -> Left | None:
    """Return how long ``rest`` documents take at the rate that ``done`` of them had."""
    if done < LEFT_DOCUMENTS or rest <= 0:
        return None
    error = max(LEFT_ERROR, 2 / math.sqrt(done))
    left = Left(rest / rate / (1 + error), rest / rate / (1 - error))
    return None if left.most >= _MOST_SECONDS else left


def line(job: Job, now: dt.datetime, before: Seen | None = None) -> str:
    """Return how far a job is: ``1,200 of 6,000 documents, 46.1 a second, about 86 to 131 s left, in 2 containers``.

    What is not known is left out.
    """
    far = measure(job, now, before)
    plural = "s" * (far.documents != 1)
    words = f"{far.documents:,} of {far.total:,} documents" if far.total else f"{far.documents:,} document{plural}"
    if far.rate is not None:
        words += f", {_rate(far.rate)}"
    if far.left is not None:
        words += f", {about(far.left)} left"
    return f"{words}, in {job.containers} containers" if job.containers > 1 else words


def _rate(a_second: float) -> str:
    length, unit = next(((length, unit) for length, unit in _RATES if a_second * length >= 0.5), _RATES[-1])
    value = a_second * length
    article = "an" if unit == "hour" else "a"
    return f"{value:,.0f} {article} {unit}" if value >= 100 else f"{value:.1f} {article} {unit}"


def about(left: Left) -> str:
    """Return a range of times in one unit: ``about 40 to 95 s``, ``about 3 to 5 min``, ``about 2 h``.

    The lower end is rounded down and the upper end up.
    """
    unit, length = next(((unit, length) for unit, length in _UNITS if left.most >= 2 * length), _UNITS[-1])
    least, most = max(0, math.floor(left.least / length)), max(1, math.ceil(left.most / length))
    return f"about {most} {unit}" if least == most else f"about {least} to {most} {unit}"


@dataclass(frozen=True, slots=True)
class Told:
    """A line of progress, taken apart. ``of``, ``rate`` and ``left`` are ``None`` where it has none."""

    documents: int
    of: int | None
    rate: str | None
    left: Left | None
    containers: int


def read(message: str) -> Told | None:
    """Take a line of a job's log stream apart; ``None`` for one that is not of progress."""
    event, _, text = message.partition(": ")
    found = _LINE.fullmatch(text) if event == EVENT else None
    if found is None:
        return None
    total = found["of"]
    return Told(
        documents=_number(found["documents"]),
        of=None if total is None else _number(total),
        rate=found["rate"],
        left=None if found["unit"] is None else _read_left(found["least"], found["most"], found["unit"]),
        containers=int(found["containers"] or 1),
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _read_left(least: str, most: str | None, unit: str) -> Left:
    length = dict(_UNITS)[unit]
    return Left(int(least) * length, int(most or least) * length)


def tellings(seconds: float) -> int:
    """Return how many lines a job has been due that has run for so many seconds."""
    early = sum(moment <= seconds for moment in EARLY_SECONDS)
    return early + max(0, int((seconds - EARLY_SECONDS[-1]) // LATER_SECONDS))


def earlier(seen: Sequence[Seen]) -> Seen | None:
    """Return what a job is compared with, of what its last lines said: the last but one, or the only one."""
    return seen[-2:][0] if seen else None


class Progress:
    """Remembers what was told of the jobs that run; in memory, so that after a restart a line may be left out."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}
        self._seen: dict[str, tuple[Seen, ...]] = {}
        """Of each job what its last two lines said."""

    def due(self, jobs: Iterable[Job], now: dt.datetime) -> list[tuple[str, str]]:
        """Return the ids of those of the jobs that have a line due now, and the line.

        ``jobs`` are all that run; what was remembered of others is forgotten.
        """
        told: dict[str, int] = {}
        seen: dict[str, tuple[Seen, ...]] = {}
        lines: list[tuple[str, str]] = []
        for job in jobs:
            if job.running_at is None or job.phase not in WORKING:
                # Between two attempts: what was told counts on.
                if job.job_id in self._told:
                    told[job.job_id] = self._told[job.job_id]
                continue
            due = tellings((now - job.running_at).total_seconds())
            before = self._told.get(job.job_id, due)
            told[job.job_id] = max(due, before)
            seen[job.job_id] = self._seen.get(job.job_id, ())
            # A training counts no documents: it has nothing to tell.
            if due > before and (job.documents > 0 or job.documents_of > 0):
                lines.append((job.job_id, line(job, now, earlier(seen[job.job_id]))))
                seen[job.job_id] = (*seen[job.job_id][-1:], Seen(now, max(0, job.documents)))
        self._told, self._seen = told, seen
        return lines
