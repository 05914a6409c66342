"""What the worker of a job asks of S3, in its own order, as far as a job's row tells it beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reading_room.analysis.job_file import NO_READ_ACCESS, NO_WRITE_ACCESS, Location, no_model_access
from reading_room.analysis.kinds import WORK_KINDS
from reading_room.arns import bucket_arn
from reading_room.comprehend.models.requests import training_places
from reading_room.jobs.places import location_of, parts_of
from reading_room.jobs.tables import JobRow

PART_ACTIONS = ("s3:GetObject", "s3:PutObject")
"""What the data access role needs on the objects by which several containers share their results."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request. ``code`` and ``sentence`` are how the worker's failure begins when it is refused.

    The key of ``place`` is a prefix for s3:ListBucket, and for s3:GetObject where ``first`` is set: then the first
    object below it is meant.
    """

    code: str
    sentence: str
    action: str
    place: Location
    as_service: bool = False
    """Whether the service's own session asks, not the data access role."""
    first: bool = False


def steps_of(job: JobRow) -> Iterator[Step]:
    """Yield the steps of a job or a training."""
    artifact = None if job.artifact_uri is None else location_of(job.artifact_uri)
    output = location_of(job.output_uri)
    if artifact is not None and not job.is_training:
        yield _of_model("s3:GetObject", artifact)
    # A training tries the place of its results before anything else, if it has one.
    if job.is_training and output != artifact:
        yield _writing(output)
    inputs = training_places(job.request["InputDataConfig"]).values() if job.is_training else (job.input_uri,)
    for place in map(location_of, inputs):
        yield Step("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS, "s3:ListBucket", place)
        yield Step("NO_READ_ACCESS_TO_INPUT", NO_READ_ACCESS, "s3:GetObject", place, first=True)
    if not job.is_training:
        yield _writing(output)
    elif artifact is not None:
        yield _of_model("s3:PutObject", artifact)


def part_steps_of(job: JobRow, attempt: int) -> Iterator[Step]:
    """Yield what the containers of an attempt ask besides when there are several: each writes parts, the first reads.

    Kinds whose containers share no results through S3 ask nothing.
    """
    if not WORK_KINDS[job.analysis].parts_in_storage:
        return
    parts = parts_of(location_of(job.output_uri))
    # Named as a part will be: its number, its container's and some characters that nobody can tell beforehand.
    part = Location(parts.bucket, f"{parts.key}{attempt}/0-0-00000000")
    for action in PART_ACTIONS:
        yield Step("NO_WRITE_ACCESS_TO_OUTPUT", "the data access role needs", action, part)


def part_statement(job: JobRow) -> str:
    """Return the statement, as JSON, that lets the containers of such jobs share their results."""
    parts = parts_of(location_of(job.output_uri))
    # Before it is the job's own folder, whose name no policy can know beforehand.
    *prefix, _ = parts.key.removesuffix("/output/parts/").split("/")
    resource = bucket_arn(parts.bucket, "/".join([*prefix, "*/output/parts/*"]))
    return json.dumps({"Effect": "Allow", "Action": list(PART_ACTIONS), "Resource": resource})


def _writing(output: Location) -> Step:
    return Step("NO_WRITE_ACCESS_TO_OUTPUT", f"{NO_WRITE_ACCESS}.", "s3:PutObject", output)


def _of_model(action: str, artifact: Location) -> Step:
    return Step("NO_ACCESS_TO_MODEL_BUCKET", no_model_access(artifact.bucket), action, artifact, as_service=True)
