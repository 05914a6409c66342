"""What becomes of a training whose endpoint allows the guide's seven actions, and what when one of them is missing."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from place_world import Place
from product_world import Product

from reading_room.cli import reading

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "custom-models.md"
ROWS: dict[str, tuple[str, str]] = {
    action: (status, code)
    for action, status, code in re.findall(
        r"^\| `(s3:\w+)` \| (IN_ERROR|TRAINED) \| (?:`(\w+)`)?", PAGE.read_text(), re.MULTILINE
    )
}
NEEDED = ("s3:GetObject", "s3:PutObject", "s3:ListBucket")
PART = 8 << 20
"""Bytes from which the SDK writes an object in parts."""
ENDED = ("TRAINED", "TRAINED_WITH_WARNING", "IN_ERROR", "STOPPED")
CITIES = ("Warsaw", "Paris", "Oslo", "Lima", "Cairo")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A product of its own, with small training data for both kinds of model."""
    product = Product(tmp_path_factory.mktemp("product"))
    try:
        product.start()
        yield _filled(Place(product))
    finally:
        product.clear()


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


def train(place: Place, kind: str, name: str, rows: str = "rows.csv") -> dict[str, Any]:
    """Train a model of a kind to its end and return its properties."""
    client: Any = place.product.account().comprehend
    usual = {"DataAccessRoleArn": place.role, "LanguageCode": "en", "VpcConfig": place.network.config()}
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


def allow(place: Place, *actions: str) -> None:
    """Give the endpoint a policy of so many actions."""
    endpoint = str(place.network.endpoint)
    place.product.account().ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint, PolicyDocument=reading.endpoint_policy(actions)
    )


def test_the_page_has_a_row_for_each_of_the_seven_actions() -> None:
    assert set(ROWS) == set(reading.ENDPOINT_ACTIONS)
    assert {action for action, (status, _) in ROWS.items() if status == "IN_ERROR"} == set(NEEDED)


@pytest.mark.parametrize("kind", ["classifier", "recognizer"])
@pytest.mark.parametrize("action", reading.ENDPOINT_ACTIONS)
def test_an_endpoint_without_one_action_gives_the_documented_result(place: Place, action: str, kind: str) -> None:
    allow(place, *(other for other in reading.ENDPOINT_ACTIONS if other != action))
    model = train(place, kind, f"without-{action.partition(':')[2]}")
    status, code = ROWS[action]
    assert model["Status"].startswith(status), model
    if code:
        assert model["Message"].startswith(f"{code}: "), model
        assert action in model["Message"]
        assert str(place.network.endpoint) in model["Message"]
    with place.product.database() as database:
        assert database.execute("SELECT count(*) FROM s3_uploads").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM network_interfaces").fetchone() == (0,)


def test_a_model_above_the_threshold_is_written_in_parts_with_the_actions_that_are_used(place: Place) -> None:
    # A policy that allows more than these three, the guide's seven, allows no less.
    allow(place, *NEEDED)
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(20_000)]
    rows = "".join(f'label-{n % 100},"{" ".join(chance.sample(words, 100))}"\n' for n in range(1_200))
    place.product.account().s3.put_object(Bucket=place.bucket, Key="large.csv", Body=rows.encode())
    model = train(place, "classifier", "large", "large.csv")
    assert model["Status"].startswith("TRAINED"), model
    with place.product.database() as database:
        query = "SELECT size, multipart FROM s3_objects WHERE bucket LIKE 'reading-room-models-%' ORDER BY size DESC"
        size, in_parts = database.execute(query).fetchone()
    assert size > PART
    assert in_parts
