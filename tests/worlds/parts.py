"""A job's row and the parts of its input, for tests of work in parts."""

from __future__ import annotations

import datetime as dt
import hashlib

from reading_room.database.engine import Database
from reading_room.jobs.parts import PartObject
from reading_room.jobs.submission import NewJob, submit

ACCOUNT, REGION = "111122223333", "us-east-1"
NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
JOB = "0123456789abcdef0123456789abcdef"
FOLDER = f"out/{ACCOUNT}-NER-{JOB}"


def add_job(database: Database, job_id: str = JOB) -> None:
    """Submit a job that reads lines and writes its archive to ``out/…/output/output.tar.gz`` of a bucket."""
    new = NewJob(
        job_id=job_id,
        account=ACCOUNT,
        region=REGION,
        kind="entities-detection-job",
        arn=f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/{job_id}",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
        engine="entities-en",
        analysis="entities",
        input_uri="s3://papers/in/",
        input_format="ONE_DOC_PER_LINE",
        output_uri=f"s3://papers/out/{ACCOUNT}-NER-{job_id}/output/output.tar.gz",
        document_limit=1_048_576,
        parameters={},
        language="en",
    )
    with database.transaction() as session:
        submit(session, new, NOW)


def digest_of(text: str) -> str:
    """Return a digest as in plans and objects."""
    return hashlib.sha256(text.encode()).hexdigest()


def result_of(number: int, attempt: int = 1, by: str = "") -> PartObject:
    """Return the result of a part, which shows who made it."""
    key = f"{FOLDER}/output/parts/{attempt}/{number}-0-{by or 'x'}"
    return PartObject(key, 100 + number, digest_of(key), 10, 1)
