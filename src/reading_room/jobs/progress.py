"""The progress of a job as a line of its log stream: documents done, rate and time left.

A running job has a line after ten seconds, then at doubling intervals, and finally every five minutes, so that a short
job is followed closely and a long one does not fill its stream. ``line`` writes a line and ``read`` parses it.
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
"""The log group of job stories; the name of a stream is the id of its job."""
EVENT = "Progress"
"""The event of the lines of progress in a job's story."""
EARLY_SECONDS = (10, 30, 70, 150, 310)
"""When the first lines of a job are due, in seconds since it first ran."""
LATER_SECONDS = 300
"""The interval of later lines, in seconds."""
WORKING = frozenset({Phase.RUNNING.value, Phase.STOPPING.value})
_RATES = ((1, "second"), (60, "minute"), (3600, "hour"), (86_400, "day"))
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_MOST_SECONDS = 100 * 86_400
LEFT_DOCUMENTS = 20
"""How many documents must have been finished since an earlier line before the time left is estimated."""
LEFT_ERROR = 0.2
"""The smallest assumed error of the rate, as a fraction: documents and the load of the machine vary."""

_LINE = re.compile(
    r"(?P<documents>[\d,]+)(?: of (?P<of>[\d,]+))? documents?"
    r"(?:, (?P<rate>[\d,.]+ an? \w+))?"
    r"(?:, about (?P<least>\d+)(?: to (?P<most>\d+))? (?P<unit>s|min|h|d) left)?"
    r"(?:, in (?P<containers>\d+) containers)?"
)


class Job(Protocol):
    """The columns of a job's row that are used. The worker reports the documents, so they can be any number."""

    @property
    def job_id(self) -> str:
        """The job's id."""
        ...

    @property
    def phase(self) -> str:
        """The job's phase."""
        ...

    @property
    def documents(self) -> int:
        """The number of finished documents."""
        ...

    @property
    def documents_of(self) -> int:
        """The number of all documents, 0 while it is not known."""
        ...

    @property
    def containers(self) -> int:
        """The number of containers that it runs in."""
        ...

    @property
    def running_at(self) -> dt.datetime | None:
        """When it first ran, or ``None`` before that."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """How many documents a job had finished at an earlier time."""

    at: dt.datetime
    documents: int


@dataclass(frozen=True, slots=True)
class Left:
    """The seconds until the rest is done, at least and at most."""

    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The progress of a job. ``None`` means unknown or impossible, like a total lower than what is finished."""

    documents: int
    total: int | None
    rate: float | None
    """Documents per second since the earlier time, or else since it first ran."""
    left: Left | None
    """Also ``None`` while an estimate would be meaningless."""


def measure(job: Job, now: dt.datetime, before: Seen | None = None) -> Measured:
    """Return the progress of a job. The time left needs an earlier time to compare with.

    The time since it first ran cannot be used instead: a container finishes nothing in the seconds in which it loads
    its engine.
    """
    documents = max(0, job.documents)
    total = job.documents_of if job.documents_of >= max(1, documents) else None
    rate = None if job.running_at is None else _per_second(documents, (now - job.running_at).total_seconds())
    left = None
    if before is not None:
        # Another attempt starts from zero, so it cannot be compared with the previous one.
        done, seconds = documents - before.documents, (now - before.at).total_seconds()
        recent = _per_second(done, seconds)
        rate = rate if recent is None else recent
        left = None if total is None or recent is None else _left(total - documents, done, recent)
    return Measured(documents, total, rate, left)


def _per_second(documents: int, seconds: float) -> float | None:
    return documents / seconds if documents > 0 and seconds >= 1 else None


def _left(rest: int, done: int, rate: float) -> Left | None:
    """Return how long ``rest`` documents take at a rate that was measured with ``done`` documents."""
    if done < LEFT_DOCUMENTS or rest <= 0:
        return None
    error = max(LEFT_ERROR, 2 / math.sqrt(done))
    left = Left(rest / rate / (1 + error), rest / rate / (1 - error))
    return None if left.most >= _MOST_SECONDS else left


def line(job: Job, now: dt.datetime, before: Seen | None = None) -> str:
    """Return the progress as ``1,200 of 6,000 documents, 46.1 a second, about 86 to 131 s left, in 2 containers``.

    Unknown values are left out.
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
class ProgressLine:
    """A parsed line of progress. ``of``, ``rate`` and ``left`` are ``None`` if the line does not have them."""

    documents: int
    of: int | None
    rate: str | None
    left: Left | None
    containers: int


def read(message: str) -> ProgressLine | None:
    """Parse a line of a job's log stream. Returns ``None`` if it is not a line of progress."""
    event, _, text = message.partition(": ")
    found = _LINE.fullmatch(text) if event == EVENT else None
    if found is None:
        return None
    total = found["of"]
    return ProgressLine(
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


def lines_due(seconds: float) -> int:
    """Return how many lines have been due for a job that has run for this many seconds."""
    early = sum(moment <= seconds for moment in EARLY_SECONDS)
    return early + max(0, int((seconds - EARLY_SECONDS[-1]) // LATER_SECONDS))


def earlier(seen: Sequence[Seen]) -> Seen | None:
    """Return the earlier time to compare a job with: that of the last line but one, or of the only line."""
    return seen[-2:][0] if seen else None


class Progress:
    """Remembers the lines of running jobs. It does so in memory, so a line may be missing after a restart."""

    def __init__(self) -> None:
        self._due: dict[str, int] = {}
        self._seen: dict[str, tuple[Seen, ...]] = {}
        """The progress in the last two lines of each job."""

    def due(self, jobs: Iterable[Job], now: dt.datetime) -> list[tuple[str, str]]:
        """Return the ids of the jobs that have a line due now, and their lines.

        ``jobs`` are all running jobs; others are forgotten.
        """
        dues: dict[str, int] = {}
        seen: dict[str, tuple[Seen, ...]] = {}
        lines: list[tuple[str, str]] = []
        for job in jobs:
            if job.running_at is None or job.phase not in WORKING:
                # Between two attempts the count of lines is kept.
                if job.job_id in self._due:
                    dues[job.job_id] = self._due[job.job_id]
                continue
            due = lines_due((now - job.running_at).total_seconds())
            before = self._due.get(job.job_id, due)
            dues[job.job_id] = max(due, before)
            seen[job.job_id] = self._seen.get(job.job_id, ())
            # A training counts no documents, so it has no progress to report.
            if due > before and (job.documents > 0 or job.documents_of > 0):
                lines.append((job.job_id, line(job, now, earlier(seen[job.job_id]))))
                seen[job.job_id] = (*seen[job.job_id][-1:], Seen(now, max(0, job.documents)))
        self._due, self._seen = dues, seen
        return lines
