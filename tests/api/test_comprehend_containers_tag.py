"""The tag ``reading-room:containers`` sets the number of a job's containers, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from reading_room.agent.spec import Capacity
from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import JOB_KINDS, TOPICS
from reading_room.comprehend.sizing import JobSizing
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from tests.worlds.comprehend import start_request
from tests.worlds.models import ModelWorld, classifier_request, recognizer_request, refused

BUILT_IN = [kind for kind in JOB_KINDS if kind.engines]
BAD = ("0", "17", "-1", "2.0", " 2", "02", "two", "", "1e1", "٢")
HOST = Capacity(1, 2_000_000_000, 0)


def tagged(value: str) -> list[dict[str, str]]:
    """Return the tags of a request for a number of containers."""
    return [{"Key": "reading-room:containers", "Value": value}]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """An account with jobs."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def containers(world: ModelWorld, job_id: str) -> int:
    """Return how many containers a job would get on a host with room for one."""
    with world.database.reading() as session:
        return JobSizing(world.backend, Settings())(session, session.get_one(JobRow, job_id), HOST).containers


def start(world: ModelWorld, kind: JobKind, **changes: Any) -> str:
    """Start a job of a kind and return its id."""
    request = start_request(LanguageCode="en" if kind.languages else None, **kind.required, **changes)
    return str(getattr(world.client, xform_name(kind.start))(**request)["JobId"])


def job_ids(world: ModelWorld) -> list[str]:
    """Return every job and training."""
    with world.database.reading() as session:
        return [row.job_id for row in session.query(JobRow)]


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.arn_type)
def test_every_kind_of_job_accepts_more_containers_than_the_host_has_cores(world: ModelWorld, kind: JobKind) -> None:
    assert containers(world, start(world, kind, Tags=tagged("16"))) == 16
    assert containers(world, start(world, kind, Tags=tagged("1"))) == 1
    assert containers(world, start(world, kind)) == 1


@pytest.mark.parametrize("value", BAD)
def test_a_tag_that_is_not_a_number_from_1_to_16_is_refused_and_starts_nothing(world: ModelWorld, value: str) -> None:
    client = world.client
    for call, request in (
        (client.start_entities_detection_job, start_request(Tags=tagged(value))),
        (client.create_document_classifier, classifier_request(Tags=tagged(value))),
        (client.create_entity_recognizer, recognizer_request(Tags=tagged(value))),
    ):
        code, message = refused(call, **request)
        assert code == "InvalidRequestException"
        assert "'reading-room:containers'" in message
        assert repr(value) in message
    assert job_ids(world) == []


def test_a_classifier_but_not_a_recognizer_can_be_trained_in_several_containers(world: ModelWorld) -> None:
    world.client.create_document_classifier(**classifier_request(Tags=tagged("3")))
    (training,) = job_ids(world)
    assert containers(world, training) == 3
    code, message = refused(world.client.create_entity_recognizer, **recognizer_request(Tags=tagged("3")))
    assert code == "InvalidRequestException"
    assert "'reading-room:containers' has the value '3', but recognizer-training runs in one container" in message
    assert job_ids(world) == [training]
    world.client.create_entity_recognizer(**recognizer_request(Tags=tagged("1")))


@pytest.mark.parametrize("method", ["nmf", "lda"])
def test_topic_methods_that_count_words_run_in_one_container(tmp_path: Path, method: str) -> None:
    world = ModelWorld(tmp_path, topics=method)
    try:
        assert containers(world, start(world, TOPICS)) == 1
        request = start_request(LanguageCode=None, Tags=tagged("2"))
        code, message = refused(world.client.start_topics_detection_job, **request)
        assert code == "InvalidRequestException"
        assert f"topics by {method} runs in one container" in message
    finally:
        world.close()


def test_the_tag_can_be_changed_while_a_job_waits_and_is_validated_again(world: ModelWorld) -> None:
    kind = BUILT_IN[0]
    job = start(world, kind)
    arn = getattr(world.client, xform_name(kind.describe))(JobId=job)[kind.properties]["JobArn"]
    world.client.tag_resource(ResourceArn=arn, Tags=tagged("5"))
    assert containers(world, job) == 5
    code, _ = refused(world.client.tag_resource, ResourceArn=arn, Tags=tagged("50"))
    assert code == "InvalidRequestException"
    assert containers(world, job) == 5
    world.client.untag_resource(ResourceArn=arn, TagKeys=["reading-room:containers"])
    assert containers(world, job) == 1
    recognizer = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    code, message = refused(world.client.tag_resource, ResourceArn=recognizer, Tags=tagged("2"))
    assert code == "InvalidRequestException"
    assert "runs in one container" in message
    assert world.client.list_tags_for_resource(ResourceArn=recognizer)["Tags"] == []
