"""The results of trainings, and of jobs with their models, if an endpoint allows the seven actions or only six."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from reading_room.cli import reading
from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

DOCS = Path(__file__).resolve().parents[2] / "docs"


def table_of(page: str) -> dict[str, tuple[str, str]]:
    """Return the table of a page: the status and the code of each action. The code is empty if there is none."""
    row = r"^\| `(s3:\w+)` \| ([A-Z_]+) \| (?:`(\w+)`)?"
    return {found[0]: (found[1], found[2]) for found in re.findall(row, (DOCS / page).read_text(), re.MULTILINE)}


TRAININGS, JOBS = table_of("custom-models.md"), table_of("endpoint-actions.md")
KINDS = ("classifier", "recognizer")
NEEDED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
without_each = pytest.mark.parametrize(
    "missing",
    [
        *(pytest.param([action], id=action) for action in NEEDED),
        pytest.param([action for action in reading.ENDPOINT_ACTIONS if action not in NEEDED], id="all the others"),
    ],
)
"""Each needed action is missing once. The others are missing all together, which covers policies with some of them."""
PART = 8 << 20
"""The size in bytes from which the SDK writes an object in parts."""
ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
CITIES = ("Warsaw", "Paris", "Oslo", "Lima", "Cairo")


@pytest.fixture(scope="module")
def place(product: Product, account: OwnAccount) -> Place:
    """Return a place with small training data for both kinds of model."""
    found = Place(product, account=account)
    rows = [f'{label},"{word} number {n}"' for n in range(12) for label, word in (("a", "apple"), ("b", "brick"))]
    found.put_text("rows.csv", "\n".join(rows))
    texts = [f"The train to {CITIES[n % 5]} leaves at {n}." for n in range(40)]
    marks = [f"lines.txt,{n},13,{13 + len(CITIES[n % 5])},CITY" for n in range(40)]
    found.put_text("documents/lines.txt", "\n".join(texts))
    header = "File,Line,Begin Offset,End Offset,Type"
    found.put_text("annotations.csv", "\n".join([header, *marks]))
    return found


def train(place: Place, kind: str, name: str, rows: str = "rows.csv", **more: Any) -> dict[str, Any]:
    """Train a model of a kind to its end and return its properties."""
    client: Any = place.account.comprehend
    usual = {"DataAccessRoleArn": place.role, "LanguageCode": "en", "VpcConfig": place.network.config(), **more}
    uri = f"s3://{place.bucket}"
    if kind == "classifier":
        data: dict[str, Any] = {"S3Uri": f"{uri}/{rows}"}
        arn = client.create_document_classifier(DocumentClassifierName=name, InputDataConfig=data, **usual)
        arn = arn["DocumentClassifierArn"]

        def describe() -> dict[str, Any]:
            return dict(client.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"])
    else:
        data = {
            "EntityTypes": [{"Type": "CITY"}],
            "Documents": {"S3Uri": f"{uri}/documents/"},
            "Annotations": {"S3Uri": f"{uri}/annotations.csv"},
        }
        arn = client.create_entity_recognizer(RecognizerName=name, InputDataConfig=data, **usual)
        arn = arn["EntityRecognizerArn"]

        def describe() -> dict[str, Any]:
            return dict(client.describe_entity_recognizer(EntityRecognizerArn=arn)["EntityRecognizerProperties"])

    model = eventually(lambda: model if (model := describe())["Status"] in ENDED else None, 300, f"the end of {name}")
    assert model is not None
    return model


def run_job(place: Place, kind: str, arn: str) -> dict[str, Any]:
    """Run a job with a model to its end and return its properties."""
    if kind == "recognizer":
        return place.run("documents/", "entities", EntityRecognizerArn=arn)
    client: Any = place.account.comprehend
    job = client.start_document_classification_job(
        DocumentClassifierArn=arn,
        InputDataConfig={"S3Uri": f"s3://{place.bucket}/documents/"},
        OutputDataConfig={"S3Uri": f"s3://{place.bucket}/results/"},
        DataAccessRoleArn=place.role,
        VpcConfig=place.network.config(),
    )["JobId"]
    return place.wait(job)


@pytest.fixture(scope="module")
def models(place: Place) -> dict[str, str]:
    """Train a model of each kind with exactly the seven actions, and return their ARNs."""
    place.allow(*reading.ENDPOINT_ACTIONS)
    trained = {kind: train(place, kind, "whole") for kind in KINDS}
    assert all(model["Status"].startswith("TRAINED") for model in trained.values()), trained
    return {
        "classifier": trained["classifier"]["DocumentClassifierArn"],
        "recognizer": trained["recognizer"]["EntityRecognizerArn"],
    }


def assert_nothing_left(place: Place) -> None:
    """Assert that no upload and no interface is left."""
    left = place.leftovers()
    assert left["rows of s3_uploads"] == []
    assert left["rows of network_interfaces"] == []


def test_both_pages_have_a_row_for_each_action() -> None:
    assert set(TRAININGS) == set(JOBS) == set(reading.ENDPOINT_ACTIONS)
    assert {action for action, (status, _) in TRAININGS.items() if status == "IN_ERROR"} == set(NEEDED)
    assert {action for action, (status, _) in JOBS.items() if status == "FAILED"} == set(NEEDED)


@pytest.mark.costs(14, reason="trains two models before the first job")
@pytest.mark.parametrize("kind", KINDS)
def test_with_exactly_the_seven_actions_a_model_is_trained_and_used(
    place: Place, models: dict[str, str], kind: str
) -> None:
    place.allow(*reading.ENDPOINT_ACTIONS)
    properties = run_job(place, kind, models[kind])
    assert properties["JobStatus"] == "COMPLETED", properties
    assert len(place.results(properties)) == 40
    assert_nothing_left(place)


@pytest.mark.parametrize("kind", KINDS)
@without_each
def test_an_endpoint_without_one_action_gives_the_documented_result(
    place: Place, missing: list[str], kind: str
) -> None:
    place.allow(*(action for action in reading.ENDPOINT_ACTIONS if action not in missing))
    model = train(place, kind, f"without-{missing[0].partition(':')[2]}")
    ((status, code),) = {TRAININGS[action] for action in missing}
    assert model["Status"].startswith(status), model
    if code:
        assert model["Message"].startswith(f"{code}: "), model
        assert missing[0] in model["Message"]
        assert place.endpoint in model["Message"]
    assert_nothing_left(place)


def test_a_training_with_an_output_location_tests_it_first(place: Place) -> None:
    place.allow(*(action for action in reading.ENDPOINT_ACTIONS if action != "s3:PutObject"))
    output = {"S3Uri": f"s3://{place.bucket}/matrices"}
    model = train(place, "classifier", "with-output", OutputDataConfig=output)
    assert model["Status"] == "IN_ERROR"
    assert model["Message"].startswith("NO_WRITE_ACCESS_TO_OUTPUT: "), model


@pytest.mark.parametrize("kind", KINDS)
@without_each
def test_a_job_with_a_model_without_one_action_gives_the_documented_result(
    place: Place, models: dict[str, str], missing: list[str], kind: str
) -> None:
    place.allow(*(action for action in reading.ENDPOINT_ACTIONS if action not in missing))
    properties = run_job(place, kind, models[kind])
    ((status, code),) = {JOBS[action] for action in missing}
    assert properties["JobStatus"] == status, properties
    if missing == ["s3:GetObject"]:
        # The job reads the model first, as the page says.
        code = "NO_ACCESS_TO_MODEL_BUCKET"
        assert f"`{code}`" in (DOCS / "endpoint-actions.md").read_text()
    if code:
        assert properties["Message"].startswith(f"{code}: "), properties
        assert missing[0] in properties["Message"]
        assert place.endpoint in properties["Message"]
    assert_nothing_left(place)


def test_a_large_model_is_written_in_parts_with_the_needed_actions_alone(place: Place) -> None:
    # If these three actions suffice, so do the guide's seven.
    place.allow(*NEEDED)
    chance = random.Random(7)
    # Many labels and many different words make a large model. Each text occurs twice, so that its terms count. In
    # German, a few documents are learned from their terms alone, which takes a second.
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(4_000)]
    rows = []
    for n in range(60):
        labels = {f"label-{(7 * n + 13 * k) % 100}" for k in range(24)}
        rows.append(f'{"|".join(sorted(labels))},"{" ".join(words[n % 30 :: 30])}"')
    place.put_text("large.csv", "\n".join(rows))
    model = train(place, "classifier", "large", "large.csv", LanguageCode="de", Mode="MULTI_LABEL")
    assert model["Status"].startswith("TRAINED"), model
    with place.product.database() as database:
        query = "SELECT artifact_uri FROM jobs WHERE arn = ?"
        (uri,) = database.execute(query, (model["DocumentClassifierArn"],)).fetchone()
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        query = "SELECT size, multipart FROM s3_objects WHERE bucket = ? AND key = ?"
        size, in_parts = database.execute(query, (bucket, key.encode())).fetchone()
    assert size > PART
    assert in_parts
