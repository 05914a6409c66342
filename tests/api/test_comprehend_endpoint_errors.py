"""The errors that the API documents for each operation on model endpoints, and who may call them, with boto3."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.comprehend.endpoints.models import ModelRefused, model_of
from reading_room.hosts import realtime_models
from reading_room.hosts.realtime_models import hand_over, stored_artifact
from reading_room.jobs.places import location_of
from tests.worlds.models import ACCOUNT, REGION, ModelWorld, refused
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.costs(0.4, reason="it starts the whole product, and the controller handles trainings")

PREFIX = f"arn:aws:comprehend:{REGION}:{ACCOUNT}"
ENDPOINT = f"{PREFIX}:document-classifier-endpoint/mail"
NONE = f"{PREFIX}:document-classifier-endpoint/none"
SECOND = dt.timedelta(seconds=1)
"""After a second, AWS's rates admit further calls."""
CALLS: Mapping[str, Mapping[str, Any]] = {
    "create_endpoint": {"EndpointName": "mail", "DesiredInferenceUnits": 1},
    "describe_endpoint": {"EndpointArn": ENDPOINT},
    "list_endpoints": {},
    "update_endpoint": {"EndpointArn": ENDPOINT, "DesiredInferenceUnits": 2},
    "classify_document": {"EndpointArn": ENDPOINT, "Text": "Where is my parcel?"},
    "delete_endpoint": {"EndpointArn": ENDPOINT},
}
"""Every operation with a request that works once the endpoint is in service; CreateEndpoint also needs a model."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def quotas(tmp_path: Path) -> Iterator[ModelWorld]:
    """The same with AWS's quotas and rates."""
    world = ModelWorld(tmp_path, profile="aws")
    yield world
    world.close()


def serve(world: ModelWorld, **changes: Any) -> str:
    """Create an endpoint, wait until it is in service, and return its model."""
    model = world.train()
    world.client.create_endpoint(EndpointName="mail", DesiredInferenceUnits=1, ModelArn=model, **changes)
    world.product.endpoints.turn()
    assert world.product.endpoints.settle(DEADLINE)
    return model


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


MALFORMED: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("create_endpoint", {"EndpointName": "-mail"}),
    ("create_endpoint", {"EndpointName": "x" * 41}),
    ("create_endpoint", {"DesiredInferenceUnits": 0}),
    ("create_endpoint", {"ModelArn": "tickets"}),
    ("describe_endpoint", {"EndpointArn": f"{PREFIX}:document-classifier/mail"}),
    ("list_endpoints", {"MaxResults": 501}),
    ("list_endpoints", {"Filter": {"Status": "READY"}}),
    ("update_endpoint", {"DesiredModelArn": "tickets"}),
    ("classify_document", {"EndpointArn": "mail"}),
    ("delete_endpoint", {"EndpointArn": "mail"}),
)


def test_a_request_that_breaks_the_model_of_the_api_is_invalid(world: ModelWorld) -> None:
    free = world.client_of("free", config=Config(parameter_validation=False))
    for name, changes in MALFORMED:
        request = {**CALLS[name], **changes}
        code, message = refused(getattr(free, name), **request)
        assert code in ("InvalidRequestException", "ValidationException"), (name, changes, message)
    assert world.client.list_endpoints()["EndpointPropertiesList"] == []


def test_an_endpoint_that_does_not_exist_is_not_found_or_not_available(world: ModelWorld) -> None:
    for name in ("describe_endpoint", "update_endpoint", "delete_endpoint"):
        request = {**CALLS[name], "EndpointArn": NONE}
        assert refused(getattr(world.client, name), **request)[0] == "ResourceNotFoundException"
    recognizer = NONE.replace("document-classifier", "entity-recognizer")
    for call, arn in ((world.client.classify_document, NONE), (world.client.detect_entities, recognizer)):
        assert refused(call, EndpointArn=arn, Text="x")[0] == "ResourceUnavailableException"


def test_a_model_that_does_not_exist_or_is_not_trained_cannot_be_desired(world: ModelWorld) -> None:
    serve(world)
    gone = f"{PREFIX}:document-classifier/gone"
    assert refused(world.client.update_endpoint, EndpointArn=ENDPOINT, DesiredModelArn=gone) == (
        "ResourceNotFoundException",
        refused(world.client.describe_document_classifier, DocumentClassifierArn=gone)[1],
    )
    training = world.client.create_document_classifier(
        DocumentClassifierName="slow",
        DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/Reader",
        InputDataConfig={"S3Uri": "s3://training/rows.csv"},
        LanguageCode="en",
    )["DocumentClassifierArn"]
    code, message = refused(world.client.update_endpoint, EndpointArn=ENDPOINT, DesiredModelArn=training)
    assert (code, training in message) == ("ResourceUnavailableException", True)


def test_an_artifact_that_was_changed_or_deleted_or_is_too_large_reaches_no_container(
    world: ModelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = world.train()
    with world.database.reading() as session:
        model = model_of(session, ACCOUNT, arn)
    assert model is not None
    place = location_of(model.artifact_uri)

    def refusal() -> str:
        sent = io.BytesIO()
        with pytest.raises(ModelRefused) as refused:
            hand_over(sent, model, partial(stored_artifact, world.product.objects.store), dict)
        assert sent.getvalue() == b""
        return refused.value.message

    world.backend.put(place.bucket, place.key, b"something else", "application/octet-stream")
    assert refusal() == f"MODEL_TAMPERED: the artifact of {arn} is not the one that the training wrote."
    monkeypatch.setattr(realtime_models, "MODEL_BYTES", 10)
    assert refusal() == f"MODEL_TAMPERED: the artifact of {arn} has more than 10 bytes."
    world.backend.delete(place.bucket, place.key)
    assert refusal() == f"MODEL_NOT_FOUND: the artifact of {arn} does not exist."


def test_an_endpoint_has_at_most_50_tags(world: ModelWorld) -> None:
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]
    request = {**CALLS["create_endpoint"], "ModelArn": world.train(), "Tags": tags}
    assert refused(world.client.create_endpoint, **request)[0] == "TooManyTagsException"


def test_the_profile_aws_limits_endpoints_and_units_of_an_account(quotas: ModelWorld) -> None:
    serve(quotas)

    def update(units: int) -> str:
        quotas.now += SECOND
        return refused(quotas.client.update_endpoint, EndpointArn=ENDPOINT, DesiredInferenceUnits=units)[0]

    assert update(11) == "ResourceLimitExceededException"


def test_calls_above_the_rate_of_the_profile_aws_are_too_many(quotas: ModelWorld) -> None:
    serve(quotas)
    once = quotas.client_of("once", config=Config(retries={"total_max_attempts": 1}))
    for name, request in CALLS.items():
        quotas.now += SECOND
        codes = [code_of(getattr(once, name), request) for _ in range(25)]
        # A call that is above the rate is refused before the units of the endpoint count.
        assert {"TooManyRequestsException", "ThrottlingException"} & set(codes), name


def code_of(call: Callable[..., Any], request: Mapping[str, Any]) -> str:
    """Return the code of a call's error, empty if there is none."""
    try:
        call(**request)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def test_each_operation_needs_its_own_permission_for_its_resource(world: ModelWorld) -> None:
    model = serve(world)
    for name, request in CALLS.items():
        action = "".join(word.title() for word in name.split("_"))
        resources = ["*" if name == "list_endpoints" else ENDPOINT]
        if name == "create_endpoint":
            request = {**request, "ModelArn": model, "EndpointName": "new"}
            resources = [ENDPOINT.replace("mail", "new"), model]
        allow = {"Effect": "Allow", "Action": f"comprehend:{action}"}
        elsewhere = world.client_of(f"elsewhere-{name}", policy({**allow, "Resource": NONE}))
        other = {"Effect": "Allow", "Action": "comprehend:Stop*", "Resource": "*"}
        for client in (elsewhere, world.client_of(f"other-{name}", policy(other))):
            assert refused(getattr(client, name), **request)[0] == "AccessDeniedException"
        allowed = world.client_of(f"allowed-{name}", policy({**allow, "Resource": resources}))
        getattr(allowed, name)(**request)


def test_tags_of_an_endpoint_are_condition_keys(world: ModelWorld) -> None:
    serve(world, Tags=[{"Key": "team", "Value": "post"}])
    clients = {}
    for team in ("post", "press"):
        condition = {"StringEquals": {"aws:ResourceTag/team": team}}
        statement = {"Effect": "Allow", "Action": "comprehend:*", "Resource": "*", "Condition": condition}
        clients[team] = world.client_of(team, policy(statement))
    for name in ("describe_endpoint", "update_endpoint", "classify_document", "delete_endpoint"):
        assert refused(getattr(clients["press"], name), **CALLS[name])[0] == "AccessDeniedException"
        getattr(clients["post"], name)(**CALLS[name])


def test_tags_in_the_request_are_condition_keys_of_a_new_endpoint(world: ModelWorld) -> None:
    request = {**CALLS["create_endpoint"], "ModelArn": world.train()}
    condition = {
        "StringEquals": {"aws:RequestTag/team": "post"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    model = {"Effect": "Allow", "Action": "comprehend:CreateEndpoint", "Resource": request["ModelArn"]}
    endpoint = {"Effect": "Allow", "Action": "comprehend:CreateEndpoint", "Resource": ENDPOINT, "Condition": condition}
    client = world.client_of("tagging", policy(model, endpoint))

    def tags(**values: str) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in values.items()]}

    for wrong in ({}, tags(team="press"), tags(team="post", more="")):
        assert refused(client.create_endpoint, **request, **wrong)[0] == "AccessDeniedException"
    assert client.create_endpoint(**request, **tags(team="post"))["EndpointArn"] == ENDPOINT
