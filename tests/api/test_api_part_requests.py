"""What the service gives the containers of a job: certificates, and the list of finished parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.analysis.job_file import Failed
from reading_room.containers.spec import ContainerSpec
from reading_room.jobs import parts
from tests.worlds.models import ROLE, ModelWorld

JOB = {
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "DataAccessRoleArn": ROLE,
    "LanguageCode": "en",
}
DIGEST = hashlib.sha256(b"a plan").hexdigest()
PLAN = {"Digest": DIGEST, "Parts": [[1_000_000, 500], [800_000, 400]]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def start(world: ModelWorld, containers: int = 2) -> str:
    """Start a job with a number of containers, and let the controller prepare them."""
    tags = [{"Key": "reading-room:containers", "Value": str(containers)}]
    job = str(world.client.start_entities_detection_job(**JOB, Tags=tags)["JobId"])
    world.turn(2)
    return job


Place = tuple[str, str]
"""A VPC and an address in it."""


def ask(world: ModelWorld, spec: ContainerSpec, rest: str = "", document: Any = None, at: Place | None = None) -> Any:
    """Send a request to a container's path, from its own address or from ``at``; return the status and the document."""
    cluster = spec.job.cluster
    assert cluster is not None
    method, body = ("GET", b"") if document is None else ("POST", json.dumps(document).encode())
    vpc_id, address = at or world.place_of(spec)
    reply = world.product.jobs.container_credentials.handle(method, cluster.path + rest, vpc_id, address, body)
    return reply.status, json.loads(reply.body)


def result(spec: ContainerSpec, number: int, fence: int) -> dict[str, Any]:
    """Return the first container's report of a finished part."""
    folder = spec.job.output.key.removesuffix("output.tar.gz")
    return {
        "Fence": fence,
        "Key": f"{folder}parts/{spec.job.attempt}/{number}-0-5eed",
        "Size": 1000,
        "Sha256": DIGEST,
        "Documents": 450,
        "Errors": 0,
    }


def test_the_containers_of_a_job_get_certificates_of_one_authority_at_their_own_paths_only(world: ModelWorld) -> None:
    start(world, 3)
    specs = world.wanted()
    assert [spec.job.cluster.member for spec in specs if spec.job.cluster] == [0, 1, 2]
    answers = [ask(world, spec) for spec in specs]
    assert [status for status, _ in answers] == [200] * 3
    assert len({document["Authority"] for _, document in answers}) == 1
    assert len({document["Key"] for _, document in answers}) == 3
    assert ask(world, specs[0], at=world.place_of(specs[1]))[0] == 404
    assert ask(world, specs[1], "/parts", PLAN)[0] == 404


def test_a_job_with_one_container_has_no_cluster_path(world: ModelWorld) -> None:
    start(world, 1)
    (spec,) = world.wanted()
    assert spec.job.cluster is None


@pytest.mark.costs(0.35, reason="it starts the whole product, and two attempts of a job get their own authorities")
def test_the_next_attempt_has_a_new_authority_and_keeps_the_finished_parts(world: ModelWorld) -> None:
    job = start(world)
    first = world.wanted()[0]
    before = ask(world, first)[1]["Authority"]
    assert ask(world, first, "/parts", PLAN)[0] == 200
    assert ask(world, first, "/parts/1", result(first, 1, 1)) == (200, {})
    place = world.place_of(first)
    world.says(first, Failed("CLUSTER_LOST", "the scheduler ended"), phase="exited")
    world.turn(2)
    assert ask(world, first, "/parts", at=place)[0] == 404

    again = world.wanted()[0]
    assert again.job.attempt == 2
    assert ask(world, again)[1]["Authority"] != before
    status, document = ask(world, again, "/parts", PLAN)
    assert status == 200
    assert [(each["Fence"], each["Done"] is not None) for each in document["Parts"]] == [(2, False), (1, True)]
    assert ask(world, again, "/parts/0", result(again, 0, 2)) == (200, {})

    world.says(again, Failed("NO_WRITE_ACCESS_TO_OUTPUT", "denied"), phase="exited")
    world.turn(5)
    with world.database.reading() as session:
        assert parts.states(session, job) == []


@pytest.mark.costs(0.2, reason="it starts the whole product and prepares a job with two containers")
def test_containers_of_a_stopped_job_get_no_answer(world: ModelWorld) -> None:
    job = start(world)
    first, second = world.wanted()
    places = [world.place_of(spec) for spec in (first, second)]
    assert ask(world, second)[0] == 200
    world.client.stop_entities_detection_job(JobId=job)
    world.says(first, phase="exited")
    assert not world.wanted()
    assert [ask(world, spec, at=place)[0] for spec, place in zip((first, second), places, strict=True)] == [404, 404]
