"""A flywheel on a real kernel: its lake, its datasets and its iterations, in containers with interfaces in a VPC."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SENTENCES = {
    "billing": ("The invoice of {} is wrong, I was charged twice.", "Please refund my payment for order {}."),
    "delivery": ("My parcel {} has not arrived yet.", "When will the courier bring package {} to my door?"),
}
ENDED = ("COMPLETED", "FAILED", "STOPPED")


def rows(each: int, first: int = 0) -> str:
    """Return rows with labels."""
    lines = [
        f'{label},"{text.format(n)}"'
        for n in range(first, first + each)
        for label, texts in SENTENCES.items()
        for text in texts
    ]
    return "\n".join(lines) + "\n"


class Wheel:
    """A flywheel in a place."""

    def __init__(self, place: Place, name: str = "mail", **changes: Any) -> None:
        self.place = place
        self.client: Any = place.account.comprehend
        request: dict[str, Any] = {
            "FlywheelName": name,
            "ModelType": "DOCUMENT_CLASSIFIER",
            "TaskConfig": {"LanguageCode": "en", "DocumentClassificationConfig": {"Mode": "MULTI_CLASS"}},
            "DataAccessRoleArn": place.role,
            "DataLakeS3Uri": f"s3://{place.bucket}/lake",
            "DataSecurityConfig": {"VpcConfig": place.network.config()},
            **changes,
        }
        self.arn = self.client.create_flywheel(**request)["FlywheelArn"]

    def settled(self) -> dict[str, Any]:
        """Return the flywheel once it is neither being created nor updated."""
        describe = lambda: self.client.describe_flywheel(FlywheelArn=self.arn)["FlywheelProperties"]  # noqa: E731
        return self._until(describe, ("ACTIVE", "FAILED"))

    def dataset(self, name: str, key: str, **more: Any) -> dict[str, Any]:
        """Create a dataset and return it at its end."""
        data = {"DocumentClassifierInputDataConfig": {"S3Uri": f"s3://{self.place.bucket}/{key}"}}
        arn = self.client.create_dataset(FlywheelArn=self.arn, DatasetName=name, InputDataConfig=data, **more)
        describe = lambda: self.client.describe_dataset(**arn_of(arn))["DatasetProperties"]  # noqa: E731
        return self._until(describe, ENDED)

    def iterate(self) -> dict[str, Any]:
        """Run an iteration and return it at its end."""
        started = self.client.start_flywheel_iteration(FlywheelArn=self.arn)
        named = {"FlywheelArn": self.arn, "FlywheelIterationId": started["FlywheelIterationId"]}
        return self._until(
            lambda: self.client.describe_flywheel_iteration(**named)["FlywheelIterationProperties"], ENDED
        )

    def _until(self, describe: Callable[[], dict[str, Any]], statuses: tuple[str, ...]) -> dict[str, Any]:
        shown = eventually(lambda: found if (found := describe())["Status"] in statuses else None, 300, self.arn)
        assert shown is not None
        return shown


def arn_of(answer: dict[str, Any]) -> dict[str, str]:
    """Return the ARN of a dataset as a parameter."""
    return {"DatasetArn": answer["DatasetArn"]}


def get(place: Place, uri: str) -> bytes:
    """Return an object."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bytes(place.account.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


@pytest.fixture(scope="module")
def place(product: Product, account: OwnAccount) -> Place:
    """Return a place with training data."""
    found = Place(product, account=account)
    found.put_text("june.csv", rows(15))
    found.put_text("july.csv", rows(15, first=100))
    found.put_text("test.csv", rows(3, first=1000))
    found.put_text("wrong.csv", "no label at all\n")
    return found


@pytest.mark.costs(60, reason="two models are trained and evaluated, in eight containers")
def test_a_flywheel_trains_evaluates_and_follows_only_its_customer(place: Place) -> None:
    wheel = Wheel(place)
    shown = wheel.settled()
    assert shown["Status"] == "ACTIVE", shown
    shown = wheel.dataset("june", "june.csv")
    assert shown["Status"] == "COMPLETED", shown
    assert shown["NumberOfDocuments"] == 60
    manifest = get(place, f"{shown['DatasetS3Uri']}documents.jsonl").decode().splitlines()
    assert json.loads(manifest[0])["annotation-metadata"] == {"class-name": "billing"}
    shown = wheel.dataset("wrong", "wrong.csv")
    assert shown["Status"] == "FAILED", shown
    first = wheel.iterate()
    assert first["Status"] == "COMPLETED", first
    assert first["TrainedModelMetrics"]["AverageF1Score"] > 0.8
    wheel.client.update_flywheel(FlywheelArn=wheel.arn, ActiveModelArn=first["TrainedModelArn"])
    shown = wheel.dataset("july", "july.csv")
    assert shown["Status"] == "COMPLETED", shown
    shown = wheel.dataset("test", "test.csv", DatasetType="TEST")
    assert shown["Status"] == "COMPLETED", shown
    second = wheel.iterate()
    assert second["Status"] == "COMPLETED", second
    assert second["EvaluatedModelArn"] == first["TrainedModelArn"]
    assert second["EvaluatedModelMetrics"]["AverageF1Score"] > 0.8
    metrics = json.loads(get(place, f"{second['EvaluationManifestS3Prefix']}metrics.json"))
    assert metrics["NumberOfTestDocuments"] == 12
    assert metrics["TrainedModel"]["Metrics"] == second["TrainedModelMetrics"]
    assert wheel.settled()["ActiveModelArn"] == first["TrainedModelArn"]
    # Somebody changes the bucket while the flywheel uses it.
    place.put_text(f"{shown['DatasetS3Uri'].removeprefix(f's3://{place.bucket}/')}documents.jsonl", rows(1))
    third = wheel.iterate()
    assert third["Status"] == "FAILED", third
    assert third["Message"].startswith("DATA_LAKE_CHANGED: ")
    assert wheel.settled()["Status"] == "ACTIVE"


@pytest.mark.costs(10, reason="two containers of an attempt each")
def test_the_policy_of_the_vpc_endpoint_decides_on_the_data_lake(place: Place) -> None:
    place.allow("s3:GetObject", "s3:ListBucket")
    try:
        shown = Wheel(place, "denied").settled()
    finally:
        place.allow("s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:AbortMultipartUpload")
    assert shown["Status"] == "FAILED"
    assert shown["Message"].startswith("NO_WRITE_ACCESS_TO_OUTPUT: ")
    assert "vpce-" in shown["Message"]
