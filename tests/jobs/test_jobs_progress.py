"""The progress of a job: its line, when it is due, and parsing it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading_room.jobs import progress
from reading_room.jobs.progress import (
    LEFT_DOCUMENTS,
    Left,
    Progress,
    ProgressLine,
    Seen,
    about,
    line,
    lines_due,
    measure,
    read,
)

BEGIN = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Working:
    """A job that has run from the start."""

    documents: int = 0
    documents_of: int = 0
    containers: int = 1
    running_at: dt.datetime | None = BEGIN
    job_id: str = "job"
    phase: str = "running"


def after(seconds: float) -> dt.datetime:
    """Return the time this long after the start."""
    return BEGIN + dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("job", "seconds", "expected"),
    [
        (Working(1200, 6000), 26.03, "1,200 of 6,000 documents, 46.1 a second"),
        (Working(1200, 6000, 2), 26.03, "1,200 of 6,000 documents, 46.1 a second, in 2 containers"),
        (Working(6000, 6000), 60, "6,000 of 6,000 documents, 100 a second"),
        (Working(1200), 26.03, "1,200 documents, 46.1 a second"),
        (Working(1), 20, "1 document, 3.0 a minute"),
        (Working(1, 100), 7200, "1 of 100 documents, 0.5 an hour"),
        (Working(0, 6000), 40, "0 of 6,000 documents"),
        (Working(0, 0), 40, "0 documents"),
        # Not yet, or the clock was set back.
        (Working(5, 10), 0.5, "5 of 10 documents"),
        (Working(5, 10), -60, "5 of 10 documents"),
        (Working(5, 10, running_at=None), 60, "5 of 10 documents"),
        # What cannot be is left out.
        (Working(7, 5), 10, "7 documents, 0.7 a second"),
        (Working(-3, -5), 10, "0 documents"),
        (Working(1, 2**62), 1, "1 of 4,611,686,018,427,387,904 documents, 1.0 a second"),
    ],
)
def test_the_sentence(job: Working, seconds: float, expected: str) -> None:
    assert line(job, after(seconds)) == expected


SLOW_START = Seen(after(10), 4)
"""Of 10,000 documents, after a container took nine seconds to load its engine: 7 hours, if that were a measure."""


def test_the_time_left_is_estimated_from_the_documents_since_the_previous_line() -> None:
    job = Working(4, 10_000)
    assert line(job, SLOW_START.at) == "4 of 10,000 documents, 24.0 a minute"
    job = Working(804, 10_000)
    assert line(job, after(30), SLOW_START) == "804 of 10,000 documents, 40.0 a second, about 3 to 5 min left"


@pytest.mark.parametrize(
    ("done", "before", "expected"),
    [
        (LEFT_DOCUMENTS - 1, 0, False),
        (LEFT_DOCUMENTS, 0, True),
        (1_000 + LEFT_DOCUMENTS, 1_000, True),
        # Another attempt has begun.
        (LEFT_DOCUMENTS, 1_000, False),
        # Everything is done.
        (10_000, 0, False),
    ],
)
def test_the_time_left_is_omitted_until_it_is_meaningful(done: int, before: int, expected: bool) -> None:
    measured = measure(Working(done, 10_000), after(40), Seen(after(20), before))
    assert (measured.left is not None) == expected


@pytest.mark.parametrize("seconds", [20, 60, 600])
@pytest.mark.parametrize(("done", "widest"), [(LEFT_DOCUMENTS, 2.6), (100, 1.5), (1_000_000, 1.5)])
def test_the_fewer_documents_were_seen_the_wider_the_range(seconds: int, done: int, widest: float) -> None:
    job = Working(done, 2 * done)
    left = measure(job, after(10 + seconds), Seen(after(10), 0)).left
    assert left is not None
    assert left.least < seconds < left.most
    assert left.most / left.least == pytest.approx(widest, abs=0.1)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (0.2, 0.9, "about 0 to 1 s"),
        (40.5, 94.1, "about 40 to 95 s"),
        (119.5, 119.9, "about 119 to 120 s"),
        (130, 290, "about 2 to 5 min"),
        (60, 120, "about 1 to 2 min"),
        (7200, 7200, "about 2 h"),
        (86_400, 5 * 86_400 - 1, "about 1 to 5 d"),
        (-9, 4, "about 0 to 4 s"),
    ],
)
def test_a_range_has_one_unit_and_is_rounded_outwards(least: float, most: float, expected: str) -> None:
    assert about(Left(least, most)) == expected


NUMBERS = st.integers(-(2**53), 2**53)


@given(NUMBERS, NUMBERS, st.integers(1, 16), st.floats(-1e7, 1e7), st.none() | st.integers(0, 2**53))
def test_whatever_a_worker_claims_the_line_is_read_again(
    documents: int, total: int, containers: int, seconds: float, before: int | None
) -> None:
    job = Working(documents, total, containers)
    seen = None if before is None else Seen(after(seconds - 30), before)
    parsed = read(f"{progress.EVENT}: {line(job, after(seconds), seen)}")
    assert parsed is not None
    assert parsed.documents == max(0, documents)
    assert parsed.of in (None, total)
    assert (parsed.of is None) == (total < max(1, documents))
    assert parsed.containers == containers
    assert (parsed.rate is None) == (documents <= 0 or (seconds < 1 and (seen is None or documents <= seen.documents)))
    left = measure(job, after(seconds), seen).left
    assert (parsed.left is None) == (left is None)
    if left is not None and parsed.left is not None:
        assert parsed.left.least <= left.least <= left.most <= parsed.left.most


def test_a_line_is_parsed() -> None:
    assert read(
        "Progress: 1,200 of 6,000 documents, 46.1 a second, about 2 to 3 min left, in 2 containers"
    ) == ProgressLine(1200, 6000, "46.1 a second", Left(120, 180), 2)
    assert read("Progress: 1 document, 0.5 an hour") == ProgressLine(1, None, "0.5 an hour", None, 1)
    assert read("Progress: 9 of 99 documents, about 2 d left") == ProgressLine(9, 99, None, Left(172_800, 172_800), 1)


@pytest.mark.parametrize(
    "message", ["", "Submitted: submitted", "Progress: it goes well", "Warning: 1 of 2 documents", "1 of 2 documents"]
)
def test_other_lines_are_not_lines_of_progress(message: str) -> None:
    assert read(message) is None


def test_lines_are_due_after_ten_seconds_then_less_often_and_finally_every_five_minutes() -> None:
    due = [seconds for seconds in range(1, 1500) if lines_due(seconds) > lines_due(seconds - 1)]
    assert due == [10, 30, 70, 150, 310, 610, 910, 1210]
    assert lines_due(-5) == 0
    assert lines_due(86_400) < 300


def told_at(teller: Progress, seconds: range, job: Working) -> list[int]:
    """Return the seconds at which a job had a line, checked every second."""
    return [second for second in seconds if teller.due([job], after(second))]


def test_each_line_is_written_once() -> None:
    assert told_at(Progress(), range(100), Working(5, 10)) == [10, 30, 70]


def test_after_a_restart_the_next_line_is_written() -> None:
    teller = Progress()
    assert teller.due([Working(5, 10)], after(45)) == []
    assert told_at(teller, range(46, 200), Working(5, 10)) == [70, 150]


def test_each_line_is_compared_with_the_last_but_one() -> None:
    teller = Progress()
    lines = [
        parsed[0][1]
        for second in range(1, 80)
        if (parsed := teller.due([Working(second * 50, 100_000)], after(second)))
    ]
    assert [each.partition(" documents, ")[2] for each in lines] == [
        "50.0 a second",
        "50.0 a second, about 27 to 42 min left",
        "50.0 a second, about 26 to 41 min left",
    ]


def test_missed_lines_become_one_line() -> None:
    teller = Progress()
    teller.due([Working(5, 10)], after(1))
    assert teller.due([Working(5, 10)], after(200)) == [("job", line(Working(5, 10), after(200)))]
    assert teller.due([Working(5, 10)], after(201)) == []


def test_no_line_is_written_between_attempts_or_written_again() -> None:
    teller = Progress()
    assert told_at(teller, range(31), Working(5, 10)) == [10, 30]
    assert told_at(teller, range(31, 100), Working(5, 10, phase="preparing")) == []
    assert told_at(teller, range(100, 200), Working(5, 10)) == [100, 150]


def test_a_job_without_documents_has_no_lines_and_an_ended_one_is_forgotten() -> None:
    teller = Progress()
    assert told_at(teller, range(100), Working()) == []
    other = replace(Working(5, 10), job_id="other")
    assert told_at(teller, range(100, 400), other) == [150, 310]
    assert teller._due == {"other": lines_due(399)}
