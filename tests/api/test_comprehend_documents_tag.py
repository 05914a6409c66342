"""The tag ``reading-room:documents`` and DocumentReaderConfig: which jobs read other documents than text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from reading_room.agent.spec import Capacity
from reading_room.analysis.kind import JobKind
from reading_room.analysis.kinds import CLASSIFICATION, ENTITIES, EVENTS, JOB_KINDS, PII
from reading_room.comprehend.sizing import JobSizing
from reading_room.jobs.tables import JobRow
from reading_room.settings import Settings
from tests.worlds.comprehend import start_request
from tests.worlds.models import ModelWorld, classifier_request, refused

BUILT_IN = [kind for kind in JOB_KINDS if kind.engines]
EACH: dict[str, Any] = {"S3Uri": "s3://papers/in/", "InputFormat": "ONE_DOC_PER_FILE"}
ANY = {"Key": "reading-room:documents", "Value": "any"}
HOST = Capacity(8, 16_000_000_000, 16_000_000_000)
READER: dict[str, Any] = {
    "DocumentReadAction": "TEXTRACT_DETECT_DOCUMENT_TEXT",
    "DocumentReadMode": "FORCE_DOCUMENT_READ_ACTION",
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """An account with jobs."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def start(world: ModelWorld, kind: JobKind, **changes: Any) -> str:
    """Start a job of a kind and return its id."""
    needed: dict[str, Any] = {"Mode": "ONLY_OFFSETS"} if kind is PII else {}
    if kind is EVENTS:
        needed = {"TargetEventTypes": ["IPO"]}
    language = "en" if kind.languages else None
    request = start_request(LanguageCode=language, **({"InputDataConfig": EACH} | needed | changes))
    return str(getattr(world.client, xform_name(kind.start))(**request)["JobId"])


def request_of(world: ModelWorld, job_id: str) -> dict[str, Any]:
    """Return what a job's worker is told beside its input and output."""
    with world.database.reading() as session:
        return dict(session.get_one(JobRow, job_id).request)


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.arn_type)
def test_every_kind_of_job_can_read_documents_of_every_kind(world: ModelWorld, kind: JobKind) -> None:
    assert request_of(world, start(world, kind, Tags=[ANY]))["Documents"] == {}
    column = {"Key": "reading-room:column", "Value": "Comment"}
    assert request_of(world, start(world, kind, Tags=[ANY, column]))["Documents"] == {"Column": "Comment"}
    assert "Documents" not in request_of(world, start(world, kind))


def test_the_tag_takes_one_value_and_needs_documents_as_files(world: ModelWorld) -> None:
    for tags, shown in (
        ([{"Key": "reading-room:documents", "Value": "all"}], "it takes 'any'"),
        ([{"Key": "reading-room:column", "Value": "x"}], "beside the tag reading-room:documents=any"),
        ([ANY, {"Key": "reading-room:column", "Value": " "}], "the name of a column"),
    ):
        code, message = refused(start, world=world, kind=BUILT_IN[0], Tags=tags)
        assert (code, shown in message) == ("InvalidRequestException", True)
    lines = EACH | {"InputFormat": "ONE_DOC_PER_LINE"}
    _, message = refused(start, world=world, kind=BUILT_IN[0], InputDataConfig=lines, Tags=[ANY])
    assert "needs InputDataConfig.InputFormat ONE_DOC_PER_FILE" in message


def test_the_tag_is_fixed_when_a_job_is_submitted_and_a_training_has_none(world: ModelWorld) -> None:
    kind = BUILT_IN[0]
    for tags in ([], [ANY]):
        job = start(world, kind, Tags=tags)
        arn = getattr(world.client, xform_name(kind.describe))(JobId=job)[kind.properties]["JobArn"]
        if tags:
            world.client.tag_resource(ResourceArn=arn, Tags=[ANY])
        else:
            _, message = refused(world.client.tag_resource, ResourceArn=arn, Tags=[ANY])
            assert "takes effect only in the request that starts a job" in message
    code, message = refused(world.client.create_document_classifier, **classifier_request(Tags=[ANY]))
    assert (code, "trainings read text" in message) == ("InvalidRequestException", True)


def test_a_reader_config_is_for_custom_models_and_is_shown_as_it_was_given(world: ModelWorld) -> None:
    arn = world.train()
    config = EACH | {"DocumentReaderConfig": READER}
    job = start(world, CLASSIFICATION, InputDataConfig=config, DocumentClassifierArn=arn)
    assert request_of(world, job)["DocumentReaderConfig"] == READER
    shown = world.client.describe_document_classification_job(JobId=job)["DocumentClassificationJobProperties"]
    assert shown["InputDataConfig"] == config
    _, message = refused(start, world=world, kind=BUILT_IN[0], InputDataConfig=config)
    assert "is for jobs with a custom model" in message
    forms = {"DocumentReadAction": "TEXTRACT_ANALYZE_DOCUMENT", "FeatureTypes": ["FORMS"]}
    config = EACH | {"DocumentReaderConfig": forms}
    _, message = refused(start, world=world, kind=CLASSIFICATION, InputDataConfig=config, DocumentClassifierArn=arn)
    assert "tables and forms" in message


def test_documents_count_with_less_than_their_bytes(world: ModelWorld) -> None:
    s3 = world.client_of("owner", service="s3")
    s3.create_bucket(Bucket="papers")
    s3.put_object(Bucket="papers", Key="in/a.pdf", Body=bytes(9_000_000))
    jobs = [start(world, ENTITIES, Tags=tags) for tags in ([], [ANY])]
    with world.database.reading() as session:
        sizing = JobSizing(world.backend, Settings())
        sizes = [sizing(session, session.get_one(JobRow, job), HOST).containers for job in jobs]
    assert sizes == [5, 1]
