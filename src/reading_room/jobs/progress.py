"""How far a job is, in words: documents of all, rate, time left. For its log stream, and for whoever reads that.

A running job says it after ten seconds, then at intervals that double, in the end every five minutes: a short job is
followed closely, and a long one does not fill its stream. ``line`` writes the sentence, ``read`` takes it apart again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
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

_LINE = re.compile(
    r"(?P<documents>[\d,]+)(?: of (?P<of>[\d,]+))? documents?"
    r"(?:, (?P<rate>[\d,.]+ an? \w+))?"
    r"(?:, (?P<left>[\w ]+) left)?"
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
class Measured:
    """How far a job is. ``None`` is what is not known, or cannot be, as a total of less than is finished."""

    documents: int
    total: int | None
    rate: float | None
    """Documents a second, the mean since it first ran."""
    left: float | None
    """Seconds until the rest is done at that rate."""


def measure(job: Job, now: dt.datetime) -> Measured:
    """Return how far a job is."""
    documents = max(0, job.documents)
    total = job.documents_of if job.documents_of >= max(1, documents) else None
    seconds = 0.0 if job.running_at is None else (now - job.running_at).total_seconds()
    if not documents or seconds < 1:
        return Measured(documents, total, None, None)
    left = None if total is None else (total - documents) * seconds / documents
    return Measured(documents, total, documents / seconds, left)


def line(job: Job, now: dt.datetime) -> str:
    """Return how far a job is: ``1,200 of 6,000 documents, 46.1 a second, 1 min 44 s left, in 2 containers``.

    What is not known is left out.
    """
    far = measure(job, now)
    plural = "s" * (far.documents != 1)
    words = f"{far.documents:,} of {far.total:,} documents" if far.total else f"{far.documents:,} document{plural}"
    if far.rate is not None:
        words += f", {_rate(far.rate)}"
    if far.left is not None:
        words += f", {duration(far.left)} left"
    return f"{words}, in {job.containers} containers" if job.containers > 1 else words


def _rate(a_second: float) -> str:
    length, unit = next(((length, unit) for length, unit in _RATES if a_second * length >= 0.5), _RATES[-1])
    value = a_second * length
    article = "an" if unit == "hour" else "a"
    return f"{value:,.0f} {article} {unit}" if value >= 100 else f"{value:.1f} {article} {unit}"


def duration(seconds: float) -> str:
    """Return a time in its two largest units: ``44 s``, ``1 min 44 s``, ``2 h 5 min``, ``more than 99 d``."""
    left = int(min(max(seconds, 0.0), _MOST_SECONDS))
    if left >= _MOST_SECONDS:
        return "more than 99 d"
    words: list[str] = []
    for unit, length in _UNITS:
        count, left = divmod(left, length)
        if count or words or unit == "s":
            words.append(f"{count} {unit}")
        if len(words) == 2:
            break
    return " ".join(word for word in words if not word.startswith("0 ")) or "0 s"


@dataclass(frozen=True, slots=True)
class Told:
    """A line of progress, taken apart. ``of``, ``rate`` and ``left`` (seconds) are ``None`` where it has none."""

    documents: int
    of: int | None
    rate: str | None
    left: int | None
    containers: int


def read(message: str) -> Told | None:
    """Take a line of a job's log stream apart; ``None`` for one that is not of progress."""
    event, _, text = message.partition(": ")
    found = _LINE.fullmatch(text) if event == EVENT else None
    if found is None:
        return None
    total, left = found["of"], found["left"]
    return Told(
        documents=_number(found["documents"]),
        of=None if total is None else _number(total),
        rate=found["rate"],
        left=None if left is None else _seconds(left),
        containers=int(found["containers"] or 1),
    )


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _seconds(text: str) -> int | None:
    lengths = dict(_UNITS)
    parts = re.findall(r"(\d+) (\w+)", text)
    # "more than" so much is no time that could be counted down.
    return sum(int(count) * lengths[unit] for count, unit in parts) if text[:1].isdigit() else None


def tellings(seconds: float) -> int:
    """Return how many lines a job has been due that has run for so many seconds."""
    early = sum(moment <= seconds for moment in EARLY_SECONDS)
    return early + max(0, int((seconds - EARLY_SECONDS[-1]) // LATER_SECONDS))


class Progress:
    """Remembers what was told of the jobs that run; in memory, so that after a restart a line may be left out."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def due(self, jobs: Iterable[Job], now: dt.datetime) -> list[tuple[str, str]]:
        """Return the ids of those of the jobs that have a line due now, and the line.

        ``jobs`` are all that run; what was remembered of others is forgotten.
        """
        told: dict[str, int] = {}
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
            # A training counts no documents: it has nothing to tell.
            if due > before and (job.documents > 0 or job.documents_of > 0):
                lines.append((job.job_id, line(job, now)))
        self._told = told
        return lines
