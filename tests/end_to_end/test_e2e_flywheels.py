"""A flywheel on a real kernel: its lake, its datasets and its iterations, in containers with interfaces in a VPC."""

from __future__ import annotations

import json

import pytest

from tests.worlds.own_account import OwnAccount
from tests.worlds.place import Place
from tests.worlds.product import Product
from tests.worlds.wheel import Wheel, get, rows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


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
