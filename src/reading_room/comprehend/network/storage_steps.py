"""The requests that the worker of a job will make to S3, in order, as far as the job's row determines them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.analysis.job_file import NO_READ_ACCESS, NO_WRITE_ACCESS, Location, no_model_access
from reading_room.analysis.kinds import WORK_KINDS
from reading_room.analysis.outputs import first_output
from reading_room.arns import bucket_arn
from reading_room.comprehend.models.requests import input_uris
from reading_room.jobs.places import is_folder, location_of, parts_of
from reading_room.jobs.tables import JobRow

PART_ACTIONS = ("s3:GetObject", "s3:PutObject")
"""The actions that the data access role needs on the objects with which several containers share their results."""

_SOME_FILE = "document.txt"
"""Stands for the name of an input file, which the requests of a job that writes an object for each end with."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request to S3. If it is refused, the worker's failure starts with ``code`` and ``sentence``.

    The key of ``place`` is a prefix for s3:ListBucket. It is also a prefix if ``first`` is set: then the request is for
    the first object below it.
    """

    code: str
    sentence: str
    action: str
    place: Location
    as_service: bool = False
    """Whether the service's own session makes the request, not the data access role."""
    first: bool = False


def steps_of(job: JobRow) -> Iterator[Step]:
    """Yield the steps of a job or a training."""
    artifact = None if job.artifact_uri is None else location_of(job.artifact_uri)
    output = location_of(job.output_uri)
    if artifact is not None and not job.is_training:
        yield _of_model("s3:GetObject", artifact)
    # A training first tries to write to the place of its results, if it has one.
    if job.is_training and output != artifact:
        yield _writing(output)
    inputs = input_uris(job.request, job.input_uri)
    for place in map(location_of, inputs):
        yield Step("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS, "s3:ListBucket", place)
        yield Step("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS, "s3:GetObject", place, first=True)
    if not job.is_training:
        yield _writing(first_output(output, _SOME_FILE))
    elif artifact is not None:
        yield _of_model("s3:PutObject", artifact)


def part_steps_of(job: JobRow, attempt: int) -> Iterator[Step]:
    """Yield the further steps of several containers: each of them writes parts, and the first one reads them.

    There are none for kinds of jobs whose containers share no results through S3.
    """
    if not WORK_KINDS[job.analysis].parts_in_storage:
        return
    parts = parts_of(location_of(job.output_uri))
    # A key of the same form as a part's: its number, its container's number, and random characters.
    part = Location(parts.bucket, f"{parts.key}{attempt}/0-0-00000000")
    for action in PART_ACTIONS:
        yield Step("NO_WRITE_ACCESS_TO_OUTPUT", "the data access role needs", action, part)


def part_statement(job: JobRow) -> str:
    """Return the policy statement, as JSON, that lets the containers of such jobs share their results."""
    parts = parts_of(location_of(job.output_uri))
    # The folder before it is the job's, whose name is not known in advance.
    beside = "/parts/" if is_folder(location_of(job.output_uri)) else "/output/parts/"
    *prefix, _ = parts.key.removesuffix(beside).split("/")
    resource = bucket_arn(parts.bucket, "/".join([*prefix, f"*{beside}*"]))
    return json.dumps({"Effect": "Allow", "Action": list(PART_ACTIONS), "Resource": resource})


def _writing(output: Location) -> Step:
    return Step("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}.", "s3:PutObject", output)


def _of_model(action: str, artifact: Location) -> Step:
    return Step("NO_ACCESS_TO_MODEL_BUCKET", no_model_access(artifact.bucket), action, artifact, as_service=True)
