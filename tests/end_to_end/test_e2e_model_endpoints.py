"""Model endpoints as clients use them: the AWS CLI's own examples, and many callers while endpoints change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.end_to_end.test_e2e_models import settled_endpoint, train, wait
from tests.end_to_end.test_e2e_pii_tools import Examples, environment
from tests.worlds.place import Place
from tests.worlds.tools import install
from tests.worlds.waiting import DEADLINE, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

__all__ = ["environment"]  # A fixture that the tests here use, too.

CALLERS = 4


@pytest.fixture(scope="module")
def model(library: Place) -> str:
    """Train a classifier and return its ARN."""
    arn = train(library, "classifier", "loaded", VersionName="v1")
    assert wait(library.account, arn)["Status"] == "TRAINED"
    return arn


@pytest.mark.costs(15, reason="a model is trained and loaded, and the AWS CLI starts six times")
def test_the_examples_of_the_aws_cli_run_as_they_are(
    account: reading.Account, model: str, environment: dict[str, str]
) -> None:
    comprehend, programs = account.comprehend, install()
    named = comprehend.import_model(SourceModelArn=model, ModelName="example-classifier")["ModelArn"]
    wait(account, named)
    name = "example-classifier-endpoint"
    endpoint = comprehend.create_endpoint(EndpointName=name, ModelArn=named, DesiredInferenceUnits=1)["EndpointArn"]
    settled_endpoint(account, endpoint, "IN_SERVICE")
    examples = Examples(programs, environment, model.split(":")[4])
    assert examples.run("create-endpoint") == {"EndpointArn": f"{endpoint}-1", "ModelArn": named}
    settled_endpoint(account, f"{endpoint}-1", "IN_SERVICE")
    assert examples.run("describe-endpoint")["EndpointProperties"]["EndpointArn"] == endpoint
    listed = examples.run("list-endpoints")["EndpointPropertiesList"]
    assert [each["EndpointArn"] for each in listed] == [endpoint, f"{endpoint}-1"]
    classes = examples.run("classify-document")["Classes"]
    assert {each["Name"] for each in classes} == {"billing", "delivery", "account"}
    assert examples.run("update-endpoint") == {}
    assert settled_endpoint(account, endpoint, "IN_SERVICE")["CurrentInferenceUnits"] == 2
    assert examples.run("delete-endpoint") == {}
    eventually(lambda: len(comprehend.list_endpoints()["EndpointPropertiesList"]) == 1)
    comprehend.delete_endpoint(EndpointArn=endpoint)


@contextmanager
def calls(account: reading.Account, endpoint: str) -> Iterator[list[str]]:
    """Call an endpoint from several threads, and yield what becomes of the calls: a class, or the code of an error."""
    outcomes: list[str] = []
    ended = threading.Event()

    def call() -> None:
        comprehend = account.client("comprehend", attempts=1)
        while not ended.is_set():
            try:
                answer = comprehend.classify_document(EndpointArn=endpoint, Text="Where is my parcel?")
                outcomes.append(answer["Classes"][0]["Name"])
            except ClientError as error:
                outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        ended.set()
        for thread in threads:
            thread.join(DEADLINE)


def more(outcomes: list[str], calls: int = 10) -> None:
    """Wait until further calls have an outcome."""
    before = len(outcomes)
    eventually(lambda: len(outcomes) >= before + calls)


@pytest.mark.costs(25, reason="a model is trained and loaded four times, while other threads call it")
def test_no_call_fails_while_an_endpoint_is_scaled_and_gets_another_model_and_deletion_ends_them(
    library: Place, account: reading.Account, model: str
) -> None:
    comprehend = account.comprehend
    copy = comprehend.import_model(SourceModelArn=model, ModelName="loaded", VersionName="v2")["ModelArn"]
    wait(account, copy)
    endpoint = comprehend.create_endpoint(EndpointName="loaded", ModelArn=model, DesiredInferenceUnits=10_000)[
        "EndpointArn"
    ]
    settled_endpoint(account, endpoint, "IN_SERVICE")
    changes: list[dict[str, Any]] = [
        {"DesiredInferenceUnits": 20_000},
        {"DesiredModelArn": copy},
        {"DesiredInferenceUnits": 5_000},
        {"DesiredModelArn": model, "DesiredInferenceUnits": 10_000},
    ]
    with calls(account, endpoint) as outcomes:
        for change in changes:
            comprehend.update_endpoint(EndpointArn=endpoint, **change)
            shown = settled_endpoint(account, endpoint, "IN_SERVICE")
            assert change.items() <= {**shown, "DesiredInferenceUnits": shown["CurrentInferenceUnits"]}.items()
            more(outcomes)
        assert set(outcomes) == {"delivery"}
        comprehend.delete_endpoint(EndpointArn=endpoint)
        eventually(lambda: "ResourceUnavailableException" in outcomes)
        more(outcomes, CALLERS)
    assert set(outcomes) == {"delivery", "ResourceUnavailableException"}
    assert set(outcomes[-CALLERS:]) == {"ResourceUnavailableException"}
