"""How far a job is: the sentence, when it is told, and what a watching program reads out of it again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.jobs import progress
from reading_room.jobs.progress import Progress, Told, duration, line, read, tellings

BEGIN = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Working:
    """A job that runs since the beginning."""

    documents: int = 0
    documents_of: int = 0
    containers: int = 1
    running_at: dt.datetime | None = BEGIN
    job_id: str = "job"
    phase: str = "running"


def after(seconds: float) -> dt.datetime:
    """Return the moment so long after the beginning."""
    return BEGIN + dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("job", "seconds", "expected"),
    [
        (Working(1200, 6000), 26.03, "1,200 of 6,000 documents, 46.1 a second, 1 min 44 s left"),
        (Working(1200, 6000, 2), 26.03, "1,200 of 6,000 documents, 46.1 a second, 1 min 44 s left, in 2 containers"),
        (Working(6000, 6000), 60, "6,000 of 6,000 documents, 100 a second, 0 s left"),
        (Working(1200), 26.03, "1,200 documents, 46.1 a second"),
        (Working(1), 20, "1 document, 3.0 a minute"),
        (Working(1, 100), 7200, "1 of 100 documents, 0.5 an hour, 8 d 6 h left"),
        (Working(0, 6000), 40, "0 of 6,000 documents"),
        (Working(0, 0), 40, "0 documents"),
        # Not yet, or the clock was set back.
        (Working(5, 10), 0.5, "5 of 10 documents"),
        (Working(5, 10), -60, "5 of 10 documents"),
        (Working(5, 10, running_at=None), 60, "5 of 10 documents"),
        # What cannot be is left out.
        (Working(7, 5), 10, "7 documents, 0.7 a second"),
        (Working(-3, -5), 10, "0 documents"),
        (Working(1, 2**62), 1, "1 of 4,611,686,018,427,387,904 documents, 1.0 a second, more than 99 d left"),
    ],
)
def test_the_sentence(job: Working, seconds: float, expected: str) -> None:
    assert line(job, after(seconds)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        *((0, "0 s"), (0.9, "0 s"), (44.9, "44 s"), (60, "1 min"), (104, "1 min 44 s"), (3600, "1 h")),
        *(
            (7505, "2 h 5 min"),
            (3601, "1 h"),
            (86_400 * 3 + 4 * 3600, "3 d 4 h"),
            (1e18, "more than 99 d"),
            (-5, "0 s"),
        ),
    ],
)
def test_a_time_has_its_two_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


NUMBERS = st.integers(-(2**53), 2**53)


@given(NUMBERS, NUMBERS, st.integers(1, 16), st.floats(-1e7, 1e7))
def test_whatever_a_worker_claims_the_line_is_read_again(
    documents: int, total: int, containers: int, seconds: float
) -> None:
    job = Working(documents, total, containers)
    told = read(f"{progress.EVENT}: {line(job, after(seconds))}")
    assert told is not None
    assert told.documents == max(0, documents)
    assert told.of in (None, total)
    assert (told.of is None) == (total < max(1, documents))
    assert told.containers == containers
    assert (told.rate is None) == (documents <= 0 or seconds < 1)


def test_a_line_is_taken_apart() -> None:
    assert read("Progress: 1,200 of 6,000 documents, 46.1 a second, 1 min 44 s left, in 2 containers") == Told(
        1200, 6000, "46.1 a second", 104, 2
    )
    assert read("Progress: 1 document, 0.5 an hour") == Told(1, None, "0.5 an hour", None, 1)
    assert read("Progress: 1 of 2 documents, 1.0 a day, more than 99 d left") == Told(1, 2, "1.0 a day", None, 1)


@pytest.mark.parametrize(
    "message", ["", "Submitted: submitted", "Progress: it goes well", "Warning: 1 of 2 documents", "1 of 2 documents"]
)
def test_other_lines_are_not_of_progress(message: str) -> None:
    assert read(message) is None


def test_lines_are_due_after_ten_seconds_then_ever_later_and_in_the_end_every_five_minutes() -> None:
    due = [seconds for seconds in range(1, 1500) if tellings(seconds) > tellings(seconds - 1)]
    assert due == [10, 30, 70, 150, 310, 610, 910, 1210]
    assert tellings(-5) == 0
    assert tellings(86_400) < 300


def told_at(teller: Progress, seconds: range, job: Working) -> list[int]:
    """Return the seconds at which a job had a line, looked at in each of them."""
    return [second for second in seconds if teller.due([job], after(second))]


def test_each_line_is_told_once() -> None:
    assert told_at(Progress(), range(100), Working(5, 10)) == [10, 30, 70]


def test_a_teller_that_was_not_there_tells_what_comes_next() -> None:
    teller = Progress()
    assert teller.due([Working(5, 10)], after(45)) == []
    assert told_at(teller, range(46, 200), Working(5, 10)) == [70, 150]


def test_moments_that_were_missed_are_one_line() -> None:
    teller = Progress()
    teller.due([Working(5, 10)], after(1))
    assert teller.due([Working(5, 10)], after(200)) == [("job", line(Working(5, 10), after(200)))]
    assert teller.due([Working(5, 10)], after(201)) == []


def test_between_two_attempts_nothing_is_told_and_nothing_is_told_again() -> None:
    teller = Progress()
    assert told_at(teller, range(31), Working(5, 10)) == [10, 30]
    assert told_at(teller, range(31, 100), Working(5, 10, phase="preparing")) == []
    assert told_at(teller, range(100, 200), Working(5, 10)) == [100, 150]


def test_a_job_without_documents_says_nothing_and_one_that_is_over_is_forgotten() -> None:
    teller = Progress()
    assert told_at(teller, range(100), Working()) == []
    other = replace(Working(5, 10), job_id="other")
    assert told_at(teller, range(100, 400), other) == [150, 310]
    assert teller._told == {"other": tellings(399)}
