"""Places of errors in training data: a file, a line, a column; and the sentences that report them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from reading_room.analysis.storage import JobFailure

INVALID = "INVALID_TRAINING_DATA"
INSUFFICIENT = "INSUFFICIENT_TRAINING_DATA"

FIRST_PLACES = 3
"""How many places are named for each kind of problem; the others are counted."""

_QUOTED_CODE_POINTS = 60


class Place(NamedTuple):
    """A place in an object: ``file`` is the last segment of its key; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Data that cannot be used. ``what`` is equal for problems of the same kind; ``detail`` describes this one."""

    place: Place
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}{f' ({self.detail})' if self.detail else ''}"


class Problems:
    """Counts problems by kind and keeps the first places of each kind."""

    def __init__(self) -> None:
        self.count = 0
        self._kinds: dict[str, list[Problem]] = {}
        self._counts: dict[str, int] = {}
        self._notes: list[str] = []

    def add(self, problem: Problem) -> None:
        """Count a problem."""
        self.count += 1
        self._counts[problem.what] = self._counts.get(problem.what, 0) + 1
        kept = self._kinds.setdefault(problem.what, [])
        if len(kept) < FIRST_PLACES:
            kept.append(problem)

    def note(self, sentence: str) -> None:
        """Keep a sentence about the data as a whole."""
        self._notes.append(sentence)

    def sentence(self) -> str:
        """Return all problems as text, most frequent kind first; empty if there are none."""
        kinds = sorted(self._kinds, key=lambda what: -self._counts[what])
        parts = []
        for what in kinds:
            places = "; ".join(
                f"{problem.place}{f' ({problem.detail})' if problem.detail else ''}" for problem in self._kinds[what]
            )
            more = self._counts[what] - len(self._kinds[what])
            parts.append(f"{self._counts[what]:,} × {what}: {places}{f'; and {more:,} more' if more else ''}")
        found = [f"{self.count:,} rows were not used. {'. '.join(parts)}."] if self.count else []
        return " ".join(found + self._notes)

    def failure(self, code: str, message: str) -> JobFailure:
        """Return a failure that also says what could not be used, because that is often the cause."""
        return JobFailure(code, f"{message} {self.sentence()}".strip())


def shown(text: str) -> str:
    """Return text from the user's data in a form fit for a message: quoted, on one line, and short."""
    cut = text if len(text) <= _QUOTED_CODE_POINTS else text[: _QUOTED_CODE_POINTS - 1] + "…"
    return repr(cut)


def training_document(text: str) -> str:
    """Return what a message calls a training document whose place is not kept: by how it begins."""
    return f"the training document that begins with {shown(text)}"
