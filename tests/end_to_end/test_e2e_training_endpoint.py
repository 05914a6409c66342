"""What becomes of trainings, and of jobs with their models, when an endpoint allows the seven actions or only six."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from tests.worlds.place import Place
from tests.worlds.product import running_product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

DOCS = Path(__file__).resolve().parents[2] / "docs"


def table_of(page: str) -> dict[str, tuple[str, str]]:
    """Return the table of a page: for each action its status and the code, empty where there is none."""
    row = r"^\| `(s3:\w+)` \| ([A-Z_]+) \| (?:`(\w+)`)?"
    return {found[0]: (found[1], found[2]) for found in re.findall(row, (DOCS / page).read_text(), re.MULTILINE)}


TRAININGS, JOBS = table_of("custom-models.md"), table_of("endpoint-actions.md")
KINDS = ("classifier", "recognizer")
NEEDED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
PART = 8 << 20
"""Bytes from which the SDK writes an object in parts."""
ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
CITIES = ("Warsaw", "Paris", "Oslo", "Lima", "Cairo")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A product of its own, with small training data for both kinds of model."""
    with running_product(tmp_path_factory.mktemp("product")) as product:
        yield _filled(Place(product))


def _filled(place: Place) -> Place:
    s3 = place.product.account().s3
    rows = [f'{label},"{word} number {n}"' for n in range(12) for label, word in (("a", "apple"), ("b", "brick"))]
    s3.put_object(Bucket=place.bucket, Key="rows.csv", Body="\n".join(rows).encode())
    texts = [f"The train to {CITIES[n % 5]} leaves at {n}." for n in range(40)]
    marks = [f"lines.txt,{n},13,{13 + len(CITIES[n % 5])},CITY" for n in range(40)]
    s3.put_object(Bucket=place.bucket, Key="documents/lines.txt", Body="\n".join(texts).encode())
    header = "File,Line,Begin Offset,End Offset,Type"
    s3.put_object(Bucket=place.bucket, Key="annotations.csv", Body="\n".join([header, *marks]).encode())
    return place


def train(place: Place, kind: str, name: str, rows: str = "rows.csv", **more: Any) -> dict[str, Any]:
    """Train a model of a kind to its end and return its properties."""
    client: Any = place.product.account().comprehend
    usual = {"DataAccessRoleArn": place.role, "LanguageCode": "en", "VpcConfig": place.network.config(), **more}
    uri = f"s3://{place.bucket}"
    if kind == "classifier":
        data: dict[str, Any] = {"S3Uri": f"{uri}/{rows}"}
        arn = client.create_document_classifier(DocumentClassifierName=name, InputDataConfig=data, **usual)
        arn = arn["DocumentClassifierArn"]

        def shown() -> dict[str, Any]:
            return dict(client.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"])
    else:
        data = {
            "EntityTypes": [{"Type": "CITY"}],
            "Documents": {"S3Uri": f"{uri}/documents/"},
            "Annotations": {"S3Uri": f"{uri}/annotations.csv"},
        }
        arn = client.create_entity_recognizer(RecognizerName=name, InputDataConfig=data, **usual)
        arn = arn["EntityRecognizerArn"]

        def shown() -> dict[str, Any]:
            return dict(client.describe_entity_recognizer(EntityRecognizerArn=arn)["EntityRecognizerProperties"])

    deadline = time.monotonic() + 300
    while (model := shown())["Status"] not in ENDED:
        assert time.monotonic() < deadline, model
        time.sleep(0.2)
    return model


def use(place: Place, kind: str, arn: str) -> dict[str, Any]:
    """Run a job with a model to its end and return its properties."""
    client: Any = place.product.account().comprehend
    request = {
        "InputDataConfig": {"S3Uri": f"s3://{place.bucket}/documents/"},
        "OutputDataConfig": {"S3Uri": f"s3://{place.bucket}/results/"},
        "DataAccessRoleArn": place.role,
        "VpcConfig": place.network.config(),
    }
    if kind == "classifier":
        job = client.start_document_classification_job(DocumentClassifierArn=arn, **request)["JobId"]
        describe, member = client.describe_document_classification_job, "DocumentClassificationJobProperties"
    else:
        job = client.start_entities_detection_job(EntityRecognizerArn=arn, LanguageCode="en", **request)["JobId"]
        describe, member = client.describe_entities_detection_job, "EntitiesDetectionJobProperties"
    deadline = time.monotonic() + 120
    while (properties := describe(JobId=job)[member])["JobStatus"] not in reading.OVER:
        assert time.monotonic() < deadline, properties
        time.sleep(0.1)
    return dict(properties)


def allow(place: Place, *actions: str) -> None:
    """Give the endpoint a policy of so many actions."""
    endpoint = str(place.network.endpoint)
    place.product.account().ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=reading.endpoint_policy(actions)
    )


@pytest.fixture(scope="module")
def models(place: Place) -> dict[str, str]:
    """The ARN of a model of each kind, trained with exactly the seven actions."""
    allow(place, *reading.ENDPOINT_ACTIONS)
    trained = {kind: train(place, kind, "whole") for kind in KINDS}
    assert all(model["Status"].startswith("TRAINED") for model in trained.values()), trained
    return {
        "classifier": trained["classifier"]["DocumentClassifierArn"],
        "recognizer": trained["recognizer"]["EntityRecognizerArn"],
    }


def nothing_stays(place: Place) -> None:
    """No upload and no interface is left."""
    with place.product.database() as database:
        assert database.execute("SELECT count(*) FROM s3_uploads").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM network_interfaces").fetchone() == (0,)


def test_both_pages_have_a_row_for_each_of_the_seven_actions() -> None:
    assert set(TRAININGS) == set(JOBS) == set(reading.ENDPOINT_ACTIONS)
    assert {action for action, (status, _) in TRAININGS.items() if status == "IN_ERROR"} == set(NEEDED)
    assert {action for action, (status, _) in JOBS.items() if status == "FAILED"} == set(NEEDED)


@pytest.mark.parametrize("kind", KINDS)
def test_with_exactly_the_seven_actions_a_model_is_trained_and_used(
    place: Place, models: dict[str, str], kind: str
) -> None:
    allow(place, *reading.ENDPOINT_ACTIONS)
    properties = use(place, kind, models[kind])
    assert properties["JobStatus"] == "COMPLETED", properties
    assert len(list(reading.results(place.product.account(), properties))) == 40
    nothing_stays(place)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", reading.ENDPOINT_ACTIONS)
def test_an_endpoint_without_one_action_gives_the_documented_result(place: Place, action: str, kind: str) -> None:
    allow(place, *(other for other in reading.ENDPOINT_ACTIONS if other != action))
    model = train(place, kind, f"without-{action.partition(':')[2]}")
    status, code = TRAININGS[action]
    assert model["Status"].startswith(status), model
    if code:
        assert model["Message"].startswith(f"{code}: "), model
        assert action in model["Message"]
        assert str(place.network.endpoint) in model["Message"]
    nothing_stays(place)


def test_a_training_with_an_output_of_its_own_tries_that_first(place: Place) -> None:
    allow(place, *(action for action in reading.ENDPOINT_ACTIONS if action != "s3:PutObject"))
    output = {"S3Uri": f"s3://{place.bucket}/matrices"}
    model = train(place, "classifier", "with-output", OutputDataConfig=output)
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_WRITE_ACCESS_TO_OUTPUT: "), model


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", reading.ENDPOINT_ACTIONS)
def test_a_job_with_a_model_without_one_action_gives_the_documented_result(
    place: Place, models: dict[str, str], action: str, kind: str
) -> None:
    allow(place, *(other for other in reading.ENDPOINT_ACTIONS if other != action))
    properties = use(place, kind, models[kind])
    status, code = JOBS[action]
    assert properties["JobStatus"] == status, properties
    if action == "s3:GetObject":
        # The model is read first, as the page says.
        code = "NO_ACCESS_TO_MODEL_BUCKET"
        assert f"`{code}`" in (DOCS / "endpoint-actions.md").read_text()
    if code:
        assert properties["Message"].startswith(f"{code}: "), properties
        assert action in properties["Message"]
        assert str(place.network.endpoint) in properties["Message"]
    nothing_stays(place)


def test_a_model_above_the_threshold_is_written_in_parts_with_the_actions_that_are_used(place: Place) -> None:
    # A policy that allows more than these three, the guide's seven, allows no less.
    allow(place, *NEEDED)
    chance = random.Random(7)
    # Many labels and many stretches of letters make a large model; short texts keep the encoder's work small.
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(8_000)]
    rows = "".join(f'label-{n % 150},"{" ".join(chance.sample(words, 20))}"\n' for n in range(1_500))
    place.product.account().s3.put_object(Bucket=place.bucket, Key="large.csv", Body=rows.encode())
    model = train(place, "classifier", "large", "large.csv")
    assert model["Status"].startswith("TRAINED"), model
    with place.product.database() as database:
        query = "SELECT size, multipart FROM s3_objects WHERE bucket LIKE 'reading-room-models-%' ORDER BY size DESC"
        size, in_parts = database.execute(query).fetchone()
    assert size > PART
    assert in_parts
