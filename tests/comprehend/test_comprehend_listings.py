"""Lists of jobs read what they return, not every job that ever ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from reading_room.analysis.kinds import ENTITIES
from reading_room.comprehend.listings import list_jobs
from reading_room.jobs.tables import JobRow
from tests.worlds.databases import made

ACCOUNT = "000000000001"
BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ENDED = 2_000
"""Jobs that are over, oldest first; the last ten jobs of all are running."""
STEPS = 100
"""How many instructions SQLite runs between two calls of the counter."""


def row(number: int) -> dict[str, Any]:
    """Return the columns of a job; the last ten of all are running, and every other one of those shall stop."""
    job = f"{number:032x}"
    running = number >= ENDED
    ended = "failed" if number % 10 == 0 else "completed"
    return {
        "job_id": job,
        "account": ACCOUNT,
        "region": "us-east-1",
        "kind": ENTITIES.arn_type,
        "arn": f"arn:aws:comprehend:us-east-1:{ACCOUNT}:{ENTITIES.arn_type}/{job}",
        "name": f"name-{number % 500}",
        "client_token": job,
        "fingerprint": job,
        "phase": "running" if running else ended,
        "stop_requested": running and number % 2 == 0,
        "submitted_at": BEGAN + dt.timedelta(seconds=number),
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/data",
        "engine": "entities-en",
        "analysis": "entities",
        "input_uri": "s3://documents/in/",
        "input_format": "ONE_DOC_PER_LINE",
        "output_uri": "s3://documents/out/output.tar.gz",
        "document_limit": 1,
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A snapshot of a database with 2,010 jobs."""
    folder: Path = tmp_path_factory.mktemp("jobs")
    database = made(folder / "db.sqlite")
    with database.transaction() as session:
        session.execute(insert(JobRow), [row(number) for number in range(ENDED + 10)])
    with database.reading() as session:
        yield session
    database.close()


def instructions(session: Session, criteria: Mapping[str, Any]) -> tuple[int, list[int]]:
    """Return how many hundred instructions SQLite needed for a list of twenty jobs, and the jobs' numbers."""
    count = 0

    def counted() -> None:
        nonlocal count
        count += 1

    driver: Any = session.connection().connection.driver_connection
    driver.set_progress_handler(counted, STEPS)
    try:
        page = list_jobs(session, ACCOUNT, ENTITIES, criteria, None, 20)
    finally:
        driver.set_progress_handler(None, 0)
    return count, [int(job.job_id, 16) for job in page.items]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, [*range(20)]),
        ({"JobName": "name-7"}, [7, 507, 1007, 1507, 2007]),
        ({"JobName": "no-such-name"}, []),
        ({"JobStatus": "SUBMITTED"}, []),
        ({"JobStatus": "IN_PROGRESS"}, [2001, 2003, 2005, 2007, 2009]),
        ({"JobStatus": "STOP_REQUESTED"}, [2000, 2002, 2004, 2006, 2008]),
        ({"JobStatus": "FAILED"}, [*range(0, 200, 10)]),
        ({"JobStatus": "STOPPED"}, []),
        ({"SubmitTimeBefore": BEGAN + dt.timedelta(seconds=3)}, [0, 1, 2]),
        ({"SubmitTimeAfter": BEGAN + dt.timedelta(seconds=2006)}, [2009, 2008, 2007]),
    ],
)
def test_a_list_reads_only_the_jobs_that_it_returns(
    session: Session, criteria: Mapping[str, Any], expected: list[int]
) -> None:
    """To read every job takes 26,000 instructions here, to read a page at most 2,000."""
    count, jobs = instructions(session, criteria)
    assert jobs == expected
    assert count <= 20
