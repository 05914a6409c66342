"""What slurmrestd answers: JSON of its data parser v0.0.42, of which we read a few members.

Slurm is another program with its own administrators, so nothing of its answers is used before it has been checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from reading_room.codec import DocumentError, from_members, parse
from reading_room.printable import escaped

MOST_BYTES = 32 << 20
"""The longest answer. A job takes some 10 kB in it."""
_MOST_JOB_ID = (1 << 32) - 1
_NODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_TEXT_LIMIT, _REASON_LIMIT = 200, 80
_HAS_NODE = frozenset(("RUNNING", "SUSPENDED"))
_LIVES = _HAS_NODE | {"PENDING"}
"""A job that has not ended has one of these states, beside flags."""
_NOT_READY = frozenset(("CONFIGURING", "COMPLETING"))
_PROLOG = "Prolog"
"""The reason of a job on whose node the prolog runs."""

Phase = Literal["waiting", "held", "ended"]


class SlurmError(Exception):
    """Slurm did not do what it was asked to; the message says why, as part of a sentence."""


class SlurmRefused(SlurmError):
    """Slurm answered with an error. ``number`` is its own, or 0."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


@dataclass(frozen=True, slots=True)
class Number:
    """A number in Slurm's form."""

    set: bool
    infinite: bool
    number: int


@dataclass(frozen=True, slots=True)
class ExitCode:
    """How a job ended."""

    return_code: Number


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """A job as Slurm has it. The members have Slurm's names."""

    job_id: int
    name: str
    user_id: int
    job_state: tuple[str, ...]
    state_reason: str
    nodes: str
    excluded_nodes: str
    exit_code: ExitCode

    @property
    def phase(self) -> Phase:
        """Whether it waits for a node or its prolog, has a node on which its step runs, or has ended."""
        states = frozenset(self.job_state)
        if not states & _LIVES:
            return "ended"
        ready = not states & _NOT_READY and self.state_reason != _PROLOG
        return "held" if states & _HAS_NODE and ready else "waiting"

    @property
    def returned(self) -> int:
        """The exit code of its step, 0 if it has none."""
        code = self.exit_code.return_code
        return code.number if code.set else 0


def read_jobs(document: bytes, prefix: str) -> tuple[SlurmJob, ...]:
    """Return the jobs in an answer whose names begin with ``prefix``. Raises ``SlurmRefused`` and ``DocumentError``."""
    members = _answer(document)
    jobs = members.get("jobs")
    if not isinstance(jobs, list):
        raise DocumentError("the answer has no list of jobs")
    named = [each for each in jobs if isinstance(each, dict) and str(each.get("name", "")).startswith(prefix)]
    return tuple(_checked(from_members(SlurmJob, each, newer=True)) for each in named)


def read_submitted(document: bytes) -> int:
    """Return the id of the job that was submitted. Raises ``SlurmRefused`` and ``DocumentError``."""
    return _job_id(_answer(document).get("job_id"))


def read_done(document: bytes) -> None:
    """Check that Slurm did what it was asked to. Raises ``SlurmRefused`` and ``DocumentError``."""
    _answer(document)


def _answer(document: bytes) -> Mapping[str, Any]:
    if len(document) > MOST_BYTES:
        raise DocumentError(f"the answer has more than {MOST_BYTES:,} bytes")
    members = parse(document)
    if not isinstance(members, dict):
        raise DocumentError("the answer is not a JSON object")
    errors = members.get("errors")
    if not isinstance(errors, list):
        raise DocumentError("the answer has no list of errors")
    if errors:
        raise _refused(errors[0])
    return members


def _refused(error: Any) -> SlurmRefused:
    given = error if isinstance(error, dict) else {}
    number, texts = given.get("error_number"), (given.get("error"), given.get("description"))
    text = next((each for each in texts if isinstance(each, str) and each.strip()), "it gives no reason")
    return SlurmRefused(number if type(number) is int else 0, escaped(text)[:_TEXT_LIMIT])


def _job_id(value: Any) -> int:
    if type(value) is not int or not 0 < value <= _MOST_JOB_ID:
        raise DocumentError("the id of a job is not a number from 1 to 4294967295")
    return value


def _checked(job: SlurmJob) -> SlurmJob:
    _job_id(job.job_id)
    if not _NODE.fullmatch(job.nodes) and (job.nodes or job.phase == "held"):
        raise DocumentError(f"job {job.job_id} is not on one node")
    return replace(job, state_reason=escaped(job.state_reason)[:_REASON_LIMIT])
