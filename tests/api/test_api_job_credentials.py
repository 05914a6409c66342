"""The credentials of a job's data access role: they have only that role's permissions, and end with the job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import Done, Failed
from reading_room.containers.spec import ContainerSpec
from tests.worlds.models import ROLE, ModelWorld, classifier_request, refused

pytestmark = pytest.mark.costs(0.2, reason="it starts the whole product, and the controller handles jobs")

JOB = {
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "DataAccessRoleArn": ROLE,
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def as_container(world: ModelWorld, spec: ContainerSpec) -> Any:
    """Return an STS client with the credentials that a job's container fetches, over its interface."""
    return world.client_from(world.path_of(spec), "sts", world.keys_of(spec))


def completed(world: ModelWorld, spec: ContainerSpec, job: str) -> None:
    world.says(spec, Done(1, 0, 10, "0" * 64), phase="exited")


def failed(world: ModelWorld, spec: ContainerSpec, job: str) -> None:
    world.says(spec, Failed("NO_READ_ACCESS_TO_INPUT", "nothing to read"), phase="exited")


def stopped(world: ModelWorld, spec: ContainerSpec, job: str) -> None:
    world.client.stop_entities_detection_job(JobId=job)
    world.says(spec, phase="exited")


@pytest.mark.parametrize("end", [completed, failed, stopped])
def test_the_credentials_of_a_job_are_refused_after_its_end(
    world: ModelWorld, end: Callable[[ModelWorld, ContainerSpec, str], None]
) -> None:
    job = world.client.start_entities_detection_job(LanguageCode="en", **JOB)["JobId"]
    spec = world.started()
    sts = as_container(world, spec)
    role = ROLE.rpartition("/")[2]
    assert f":assumed-role/{role}/" in sts.get_caller_identity()["Arn"]
    end(world, spec, job)
    assert not world.wanted()
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"


def test_the_credentials_of_a_job_still_work_after_another_job_with_the_same_role_ends(world: ModelWorld) -> None:
    first = world.client.start_entities_detection_job(LanguageCode="en", **JOB)["JobId"]
    spec = world.started()
    world.client.start_entities_detection_job(LanguageCode="en", **JOB)
    world.turn(2)
    (other,) = (each for each in world.wanted() if each.container_id != spec.container_id)
    ending, living = as_container(world, spec), as_container(world, other)
    completed(world, spec, first)
    assert refused(ending.get_caller_identity)[0] == "InvalidClientTokenId"
    living.get_caller_identity()


def test_the_credentials_of_a_training_are_refused_after_its_end(world: ModelWorld) -> None:
    world.client.create_document_classifier(**classifier_request())
    spec = world.started()
    sts = as_container(world, spec)
    sts.get_caller_identity()
    world.finish(spec)
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
