"""Model endpoints, called with boto3; the containers behind them only remember which models they have."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from reading_room.agent.spec import Capacity, HostReport
from reading_room.comprehend.endpoints.models import ModelRefused
from reading_room.comprehend.endpoints.upkeep import PATIENCE
from reading_room.hosts.realtime import RealtimeUnavailable
from reading_room.jobs.record import LOCAL_HOST
from tests.worlds.comprehend import ALLOW_ALL
from tests.worlds.models import ACCOUNT, OTHER_ACCOUNT, REGION, ROLE, ModelWorld, recognizer_request, refused
from tests.worlds.waiting import DEADLINE

pytestmark = pytest.mark.costs(0.4, reason="it starts the whole product, and the controller handles trainings")

PREFIX = f"arn:aws:comprehend:{REGION}:{ACCOUNT}"
ENDPOINT = f"{PREFIX}:document-classifier-endpoint/mail"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def create(world: ModelWorld, model: str, **changes: Any) -> str:
    """Create an endpoint and return its ARN."""
    request = {"EndpointName": "mail", "ModelArn": model, "DesiredInferenceUnits": 2, **changes}
    return str(world.client.create_endpoint(**request)["EndpointArn"])


def served(world: ModelWorld, **changes: Any) -> str:
    """Train a model, create an endpoint for it, and return the endpoint's ARN once it is in service."""
    arn = create(world, world.train(), **changes)
    turn(world)
    return arn


def turn(world: ModelWorld) -> None:
    """Run a turn of the endpoints' loop, and wait for the models that it has loaded."""
    world.product.endpoints.turn()
    assert world.product.endpoints.settle(DEADLINE)


def describe(world: ModelWorld, arn: str = ENDPOINT) -> dict[str, Any]:
    return dict(world.client.describe_endpoint(EndpointArn=arn)["EndpointProperties"])


def classify(world: ModelWorld, arn: str = ENDPOINT, text: str = "Where is my parcel?") -> str:
    """Return the only class that the model of an endpoint finds, which is the model's own ARN."""
    return str(world.client.classify_document(EndpointArn=arn, Text=text)["Classes"][0]["Name"])


def second_version(world: ModelWorld) -> str:
    """Train another version of the model and return its ARN."""
    return world.train(VersionName="v2")


def test_an_endpoint_is_in_service_when_its_model_is_loaded(world: ModelWorld) -> None:
    model = world.train()
    answer = world.client.create_endpoint(
        EndpointName="mail", ModelArn=model, DesiredInferenceUnits=2, DataAccessRoleArn=ROLE
    )
    assert (answer["EndpointArn"], answer["ModelArn"]) == (ENDPOINT, model)
    new = {
        "EndpointArn": ENDPOINT,
        "Status": "CREATING",
        "ModelArn": model,
        "DesiredModelArn": model,
        "DesiredInferenceUnits": 2,
        "CreationTime": world.now,
        "LastModifiedTime": world.now,
        "DesiredDataAccessRoleArn": ROLE,
    }
    assert describe(world) == new
    assert refused(world.client.classify_document, EndpointArn=ENDPOINT, Text="x") == (
        "ResourceUnavailableException",
        f"ENDPOINT_UNAVAILABLE: {ENDPOINT} is CREATING.",
    )
    turn(world)
    assert describe(world) == new | {"Status": "IN_SERVICE", "CurrentInferenceUnits": 2, "DataAccessRoleArn": ROLE}
    assert classify(world) == model


def test_an_endpoint_of_a_recognizer_finds_entities_without_a_language(world: ModelWorld) -> None:
    model = world.client.create_entity_recognizer(**recognizer_request())["EntityRecognizerArn"]
    world.finish(world.started())
    arn = create(world, model)
    turn(world)
    assert arn == f"{PREFIX}:entity-recognizer-endpoint/mail"
    (entity,) = world.client.detect_entities(EndpointArn=arn, Text="Ada")["Entities"]
    assert entity["Text"] == "Ada"


def test_the_same_token_creates_one_endpoint(world: ModelWorld) -> None:
    model = world.train()
    token = {"ClientRequestToken": "once"}
    assert create(world, model, **token) == create(world, model, **token) == ENDPOINT
    request = {"EndpointName": "mail", "ModelArn": model, "DesiredInferenceUnits": 2}
    assert refused(world.client.create_endpoint, **request | {"DesiredInferenceUnits": 3}, **token) == (
        "ResourceInUseException",
        f"TOKEN_IN_USE: ClientRequestToken once created {ENDPOINT} with other parameters; use a new token for a new "
        "endpoint.",
    )
    assert refused(world.client.create_endpoint, **request) == (
        "ResourceInUseException",
        f"ENDPOINT_EXISTS: {ENDPOINT} already exists; use another EndpointName, or delete it first.",
    )


def test_what_an_endpoint_cannot_be_created_for(world: ModelWorld) -> None:
    training = world.client.create_document_classifier(
        DocumentClassifierName="slow",
        DataAccessRoleArn=ROLE,
        InputDataConfig={"S3Uri": "s3://training/rows.csv"},
        LanguageCode="en",
    )["DocumentClassifierArn"]
    flywheel = f"{PREFIX}:flywheel/wheel"

    def code(**members: Any) -> str:
        return refused(world.client.create_endpoint, EndpointName="mail", DesiredInferenceUnits=1, **members)[0]

    assert code(ModelArn=training) == "ResourceUnavailableException"
    assert code(ModelArn=f"{PREFIX}:document-classifier/none") == "ResourceNotFoundException"
    assert code(FlywheelArn=flywheel) == "ResourceNotFoundException"
    assert code(FlywheelArn=flywheel, ModelArn=training) == "InvalidRequestException"
    assert code() == "InvalidRequestException"
    assert world.client.list_endpoints()["EndpointPropertiesList"] == []


def test_an_update_takes_effect_once_the_new_model_is_loaded_and_the_old_one_answers_until_then(
    world: ModelWorld,
) -> None:
    served(world)
    first, second = describe(world)["ModelArn"], second_version(world)
    answer = world.client.update_endpoint(EndpointArn=ENDPOINT, DesiredModelArn=second, DesiredInferenceUnits=5)
    assert answer["DesiredModelArn"] == second
    shown = describe(world)
    assert (shown["Status"], shown["ModelArn"], shown["DesiredModelArn"]) == ("UPDATING", first, second)
    assert (shown["CurrentInferenceUnits"], shown["DesiredInferenceUnits"]) == (2, 5)
    assert classify(world) == first
    assert refused(world.client.update_endpoint, EndpointArn=ENDPOINT, DesiredInferenceUnits=6) == (
        "ResourceInUseException",
        f"ENDPOINT_IN_USE: {ENDPOINT} is UPDATING; wait until it is IN_SERVICE.",
    )
    turn(world)
    assert classify(world) == second
    assert describe(world)["CurrentInferenceUnits"] == 5
    turn(world)
    assert [each.arn for each in world.engines.kept] == [second], "the former model is not kept any longer"


def alias(world: ModelWorld, model: str, value: str) -> None:
    """Give a version of a model an alias."""
    world.client.tag_resource(ResourceArn=model, Tags=[{"Key": "reading-room:alias", "Value": value}])


def test_a_version_can_be_named_by_its_alias_and_the_endpoint_keeps_the_version(world: ModelWorld) -> None:
    first, second = world.train(VersionName="v1"), world.train(VersionName="v2")
    live = f"{first.removesuffix('v1')}live"
    alias(world, first, "live")
    token = {"ClientRequestToken": "once"}
    assert create(world, live, **token) == ENDPOINT
    turn(world)
    world.client.untag_resource(ResourceArn=first, TagKeys=["reading-room:alias"])
    alias(world, second, "live")
    assert create(world, live, **token) == ENDPOINT, "the same request with the same token"
    turn(world)
    assert classify(world) == describe(world)["ModelArn"] == first
    answer = world.client.update_endpoint(EndpointArn=ENDPOINT, DesiredModelArn=live)
    assert answer["DesiredModelArn"] == second
    turn(world)
    assert classify(world) == second


def test_an_alias_that_is_ambiguous_unknown_or_malformed_is_refused(world: ModelWorld) -> None:
    first, second = world.train(VersionName="v1"), world.train(VersionName="v2")
    live = f"{first.removesuffix('v1')}live"
    for model in (first, second):
        alias(world, model, "live")
    request = {"EndpointName": "mail", "DesiredInferenceUnits": 1}
    assert refused(world.client.create_endpoint, ModelArn=live, **request) == (
        "InvalidRequestException",
        f"AMBIGUOUS_ALIAS: {first}, {second} have the tag reading-room:alias=live: remove it from all versions but "
        "one.",
    )
    code, _ = refused(world.client.create_endpoint, ModelArn=f"{live}-2", **request)
    assert code == "ResourceNotFoundException"
    alias(world, first, "v2")
    create(world, second)
    assert describe(world)["ModelArn"] == second, "a version comes before an alias"
    tags = [{"Key": "reading-room:alias", "Value": "-live"}]
    code, message = refused(world.client.tag_resource, ResourceArn=first, Tags=tags)
    assert (code, "as the name of a version" in message) == ("InvalidRequestException", True)


def test_an_alias_needs_the_permission_for_its_version_too(world: ModelWorld) -> None:
    version = world.train(VersionName="v1")
    live = f"{version.removesuffix('v1')}live"
    alias(world, version, "live")
    statement = {"Effect": "Allow", "Action": "comprehend:CreateEndpoint"}
    request = {"EndpointName": "mail", "ModelArn": live, "DesiredInferenceUnits": 1}
    for number, resources in enumerate(([ENDPOINT, live], [ENDPOINT, version])):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statement | {"Resource": resources}})
        limited = world.client_of(f"limited-{number}", policy)
        assert refused(limited.create_endpoint, **request)[0] == "AccessDeniedException"
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement | {"Resource": [ENDPOINT, live, version]}})
    allowed = world.client_of("allowed", policy)
    assert allowed.create_endpoint(**request)["ModelArn"] == version


def test_a_failed_update_leaves_an_endpoint_as_it_was_and_says_why(world: ModelWorld) -> None:
    served(world)
    first = describe(world)["ModelArn"]
    world.client.update_endpoint(EndpointArn=ENDPOINT, DesiredModelArn=second_version(world))
    world.engines.refused = ModelRefused("MODEL_TAMPERED", "the artifact has changed")
    turn(world)
    shown = describe(world)
    assert (shown["Status"], shown["DesiredModelArn"]) == ("IN_SERVICE", first)
    assert shown["Message"] == "MODEL_TAMPERED: the artifact has changed."
    world.engines.refused = None
    assert classify(world) == first


def test_an_update_needs_something_to_change_and_a_model_of_the_same_type(world: ModelWorld) -> None:
    served(world)
    assert refused(world.client.update_endpoint, EndpointArn=ENDPOINT)[0] == "InvalidRequestException"
    other = f"{PREFIX}:entity-recognizer/engineers"
    code, message = refused(world.client.update_endpoint, EndpointArn=ENDPOINT, DesiredModelArn=other)
    assert (code, "of another type" in message) == ("InvalidRequestException", True)
    assert describe(world)["Status"] == "IN_SERVICE"


def test_an_endpoint_whose_model_cannot_be_loaded_has_failed_and_can_be_updated(world: ModelWorld) -> None:
    model = world.train()
    world.engines.refused = ModelRefused("MODEL_TAMPERED", "the artifact has changed")
    create(world, model)
    turn(world)
    shown = describe(world)
    assert (shown["Status"], shown["Message"]) == ("FAILED", "MODEL_TAMPERED: the artifact has changed.")
    assert refused(world.client.classify_document, EndpointArn=ENDPOINT, Text="x") == (
        "ResourceUnavailableException",
        f"ENDPOINT_UNAVAILABLE: {ENDPOINT} is FAILED (MODEL_TAMPERED: the artifact has changed).",
    )
    world.engines.refused = None
    world.client.update_endpoint(EndpointArn=ENDPOINT, DesiredModelArn=second_version(world))
    turn(world)
    assert describe(world)["Status"] == "IN_SERVICE"


def test_an_endpoint_without_containers_waits_for_some_time(world: ModelWorld) -> None:
    model = world.train()
    world.engines.refused = RealtimeUnavailable("no classification container started")
    create(world, model)
    turn(world)
    assert describe(world)["Status"] == "CREATING"
    world.now += PATIENCE + dt.timedelta(seconds=1)
    turn(world)
    assert describe(world)["Status"] == "FAILED"


def test_a_model_that_is_slow_to_load_does_not_delay_other_endpoints(world: ModelWorld) -> None:
    slow, other = world.train(), second_version(world)
    world.engines.slow[slow] = threading.Event()
    create(world, slow)
    world.product.endpoints.turn()
    fast = create(world, other, EndpointName="other")
    world.product.endpoints.turn()
    assert describe(world)["Status"] == "CREATING"
    assert classify(world, fast) == other
    world.engines.slow[slow].set()
    assert world.product.endpoints.settle(DEADLINE)
    assert classify(world) == slow


def test_an_endpoint_that_does_not_fit_into_memory_fails_and_names_it(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path, endpoints_memory=300_000_000)
    try:
        world.product.report(HostReport(LOCAL_HOST, 1, capacity=Capacity(2, 8_000_000_000, 6_000_000_000)))
        served(world)
        assert describe(world)["Status"] == "IN_SERVICE"
        other = create(world, second := second_version(world), EndpointName="other")
        shared = create(world, describe(world)["ModelArn"], EndpointName="shared")
        world.product.report(HostReport(LOCAL_HOST, 2, capacity=Capacity(2, 8_000_000_000, 6_000_000_000)))
        turn(world)
        message = describe(world, other)["Message"]
        assert message.startswith(f"INSUFFICIENT_MEMORY: {second} needs about 180,000,138 bytes of memory, but the")
        assert "of 300,000,000 (READING_ROOM_ENDPOINTS_MEMORY)" in message
        assert describe(world, shared)["Status"] == "IN_SERVICE", "two endpoints with one model use it together"
    finally:
        world.close()


def test_a_model_with_an_endpoint_cannot_be_deleted(world: ModelWorld) -> None:
    served(world)
    model = describe(world)["ModelArn"]
    assert refused(world.client.delete_document_classifier, DocumentClassifierArn=model) == (
        "ResourceInUseException",
        f"MODEL_IN_USE: {model} is used by {ENDPOINT}; delete or update that first.",
    )
    world.client.delete_endpoint(EndpointArn=ENDPOINT)
    turn(world)
    world.client.delete_document_classifier(DocumentClassifierArn=model)


def test_a_deleted_endpoint_takes_no_calls_and_is_gone_after_a_turn(world: ModelWorld) -> None:
    served(world, Tags=[{"Key": "team", "Value": "post"}])
    world.client.delete_endpoint(EndpointArn=ENDPOINT)
    world.client.delete_endpoint(EndpointArn=ENDPOINT)
    assert describe(world)["Status"] == "DELETING"
    assert refused(world.client.classify_document, EndpointArn=ENDPOINT, Text="x")[0] == "ResourceUnavailableException"
    assert refused(world.client.update_endpoint, EndpointArn=ENDPOINT, DesiredInferenceUnits=1) == (
        "ResourceUnavailableException",
        f"ENDPOINT_UNAVAILABLE: {ENDPOINT} is DELETING.",
    )
    turn(world)
    assert world.engines.kept == ()
    for call in (world.client.describe_endpoint, world.client.delete_endpoint):
        assert refused(call, EndpointArn=ENDPOINT)[0] == "ResourceNotFoundException"
    assert refused(world.client.list_tags_for_resource, ResourceArn=ENDPOINT)[0] == "ResourceNotFoundException"
    assert refused(world.client.classify_document, EndpointArn=ENDPOINT, Text="x") == (
        "ResourceUnavailableException",
        f"RESOURCE_UNAVAILABLE: There is no endpoint {ENDPOINT} in service.",
    )


def test_endpoints_are_listed_oldest_first_in_pages_and_by_one_criterion(world: ModelWorld) -> None:
    model, begun = world.train(), world.now
    for name in ("c", "a", "b"):
        world.now += dt.timedelta(minutes=1)
        create(world, model, EndpointName=name)
    world.client.delete_endpoint(EndpointArn=ENDPOINT.replace("/mail", "/a"))

    def names(**parameters: Any) -> str:
        listed = world.client.list_endpoints(**parameters)["EndpointPropertiesList"]
        return "".join(each["EndpointArn"].rpartition("/")[2] for each in listed)

    pages = world.client.get_paginator("list_endpoints").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["EndpointPropertiesList"]) for page in pages] == [2, 1]
    assert names() == "cab"
    assert names(Filter={"ModelArn": model}) == "cab"
    assert names(Filter={"Status": "DELETING"}) == "a"
    assert names(Filter={"CreationTimeAfter": begun + dt.timedelta(minutes=1)}) == "ab"
    assert names(Filter={"CreationTimeBefore": begun + dt.timedelta(minutes=2)}) == "c"
    two = {"Status": "DELETING", "ModelArn": model}
    assert refused(world.client.list_endpoints, Filter=two) == (
        "InvalidRequestException",
        "INVALID_FILTER: Filter takes one criterion, but has ModelArn, Status.",
    )
    assert refused(world.client.list_endpoints, NextToken="x")[0] == "InvalidRequestException"


def test_an_endpoint_analyses_as_many_characters_a_second_as_its_units_allow(world: ModelWorld) -> None:
    served(world)
    once = world.client_of("impatient", config=Config(retries={"total_max_attempts": 1}))
    once.classify_document(EndpointArn=ENDPOINT, Text="x" * 10_000)
    assert refused(once.classify_document, EndpointArn=ENDPOINT, Text="x") == (
        "ThrottlingException",
        f"THROTTLED: {ENDPOINT} has 2 inference units, which analyse 200 characters a second: raise "
        "DesiredInferenceUnits with UpdateEndpoint, or call less often.",
    )


def test_the_figures_of_endpoints_are_those_of_cloudwatch(world: ModelWorld) -> None:
    served(world)
    create(world, describe(world)["ModelArn"], EndpointName="new")
    once = world.client_of("impatient", config=Config(retries={"total_max_attempts": 1}))
    once.classify_document(EndpointArn=ENDPOINT, Text="x" * 1_200)
    refused(once.classify_document, EndpointArn=ENDPOINT, Text="x")
    observer = world.client_of("observer", service="reading-room")
    assert observer.get_endpoint_metrics()["EndpointMetrics"] == [
        {
            "EndpointArn": ENDPOINT,
            "ProvisionedInferenceUnits": 2,
            "ConsumedInferenceUnits": 0.2,
            "InferenceUtilization": 10.0,
            "ThrottledCalls": 1,
        }
    ]
    stranger = world.client_of("stranger", account=OTHER_ACCOUNT, service="reading-room")
    assert stranger.get_endpoint_metrics()["EndpointMetrics"] == []


def test_a_document_in_bytes_costs_the_characters_that_were_extracted(world: ModelWorld) -> None:
    served(world)
    once = world.client_of("impatient", config=Config(retries={"total_max_attempts": 1}))
    world.engines.read = {
        "Classes": [{"Name": "delivery", "Score": 0.5, "Page": 1}],
        "DocumentMetadata": {"Pages": 1, "ExtractedCharacters": [{"Page": 1, "Count": 9_000}]},
        "DocumentType": [{"Page": 1, "Type": "NATIVE_PDF"}],
        "Errors": [],
    }
    answer = once.classify_document(EndpointArn=ENDPOINT, Bytes=b"%PDF")
    assert {name: answer[name] for name in world.engines.read} == world.engines.read
    assert refused(once.classify_document, EndpointArn=ENDPOINT, Bytes=b"%PDF")[0] == "ThrottlingException"


def test_a_document_that_cannot_be_read_is_refused_as_the_api_defines_it(world: ModelWorld) -> None:
    served(world)
    world.engines.read = {"Refused": ["INVALID_DOCUMENT", "it is not a PDF that can be read"]}
    code, message = refused(world.client.classify_document, EndpointArn=ENDPOINT, Bytes=b"%PDF")
    assert code == "InvalidRequestException"
    assert message.endswith("it is not a PDF that can be read.")


def test_texts_are_checked_before_they_are_analysed(world: ModelWorld) -> None:
    served(world)

    def code(**members: Any) -> str:
        return refused(world.client.classify_document, EndpointArn=ENDPOINT, **members)[0]

    assert code() == "InvalidRequestException"
    assert code(Text="x", Bytes=b"x") == "InvalidRequestException"
    assert code(Text="x" * 100_001) == "TextSizeLimitExceededException"
    assert code(Text="break") == "InternalServerException"


def test_an_endpoint_belongs_to_its_account_and_its_policies(world: ModelWorld) -> None:
    served(world, Tags=[{"Key": "team", "Value": "post"}])
    stranger = world.client_of("stranger", account=OTHER_ACCOUNT)
    assert refused(stranger.describe_endpoint, EndpointArn=ENDPOINT)[0] == "ResourceNotFoundException"
    assert refused(stranger.classify_document, EndpointArn=ENDPOINT, Text="x")[0] == "ResourceUnavailableException"
    allow = {"Effect": "Allow", "Action": "comprehend:*", "Resource": "*"}
    deny = {
        "Effect": "Deny",
        "Action": ["comprehend:ClassifyDocument", "comprehend:DeleteEndpoint"],
        "Resource": "arn:aws:comprehend:*:*:document-classifier-endpoint/mail",
        "Condition": {"StringEquals": {"aws:ResourceTag/team": "post"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    limited = world.client_of("limited", policy)
    limited.describe_endpoint(EndpointArn=ENDPOINT)
    for call, more in ((limited.classify_document, {"Text": "x"}), (limited.delete_endpoint, {})):
        assert refused(call, EndpointArn=ENDPOINT, **more)[0] == "AccessDeniedException"


def test_creating_an_endpoint_needs_permission_for_the_endpoint_its_model_and_its_role(world: ModelWorld) -> None:
    model = world.train()
    statements = {
        "endpoint": {"Action": "comprehend:CreateEndpoint", "Resource": ENDPOINT},
        "model": {"Action": "comprehend:CreateEndpoint", "Resource": model},
        "role": {"Action": "iam:PassRole", "Resource": ROLE},
    }
    request = {"EndpointName": "mail", "ModelArn": model, "DesiredInferenceUnits": 1, "DataAccessRoleArn": ROLE}
    for left_out in statements:
        others = [{"Effect": "Allow", **each} for name, each in statements.items() if name != left_out]
        policy = json.dumps({"Version": "2012-10-17", "Statement": others})
        client = world.client_of(f"without-{left_out}", policy)
        assert refused(client.create_endpoint, **request)[0] == "AccessDeniedException"
    every = [{"Effect": "Allow", **each} for each in statements.values()]
    allowed = world.client_of("allowed", json.dumps({"Version": "2012-10-17", "Statement": every}))
    assert allowed.create_endpoint(**request)["EndpointArn"] == ENDPOINT


def test_the_profile_aws_limits_endpoints_and_units(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path, profile="aws")
    try:
        model = world.train()
        request = {"ModelArn": model, "DesiredInferenceUnits": 11}
        code, message = refused(world.client.create_endpoint, EndpointName="mail", **request)
        assert (code, message) == (
            "ResourceLimitExceededException",
            "RESOURCE_LIMIT_EXCEEDED: DesiredInferenceUnits of an endpoint can have 10.",
        )
    finally:
        world.close()


def test_an_endpoint_survives_its_server_and_is_loaded_again(world: ModelWorld) -> None:
    served(world)
    world.engines.keep((), lambda: None)
    turn(world)
    assert [each.arn for each in world.engines.kept] == [describe(world)["ModelArn"]]
    assert classify(world) == describe(world)["ModelArn"]


def test_a_client_that_may_do_everything_sees_the_calls_in_the_trail(world: ModelWorld) -> None:
    served(world)
    classify(world)
    trail = world.client_of("auditor", ALLOW_ALL, service="cloudtrail")
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": ENDPOINT}])
    named = {event["EventName"]: json.loads(event["CloudTrailEvent"]) for event in events["Events"]}
    assert {"CreateEndpoint", "ClassifyDocument"} <= named.keys()
    assert named["ClassifyDocument"]["requestParameters"]["text"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
