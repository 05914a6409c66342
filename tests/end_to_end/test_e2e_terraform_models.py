"""The calls of Terraform's provider for aws_comprehend_document_classifier and aws_comprehend_entity_recognizer.

They are made in its order, with its waiters: the states that it waits in, those that it waits for, and the number of
times in a row that it must not find a deleted model. Only its pauses are shorter. The provider's source is
``internal/service/comprehend`` of hashicorp/terraform-provider-aws.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.cli import reading
from tests.end_to_end.test_e2e_models import put_training_data
from tests.worlds.place import Place
from tests.worlds.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NOT_FOUND_CHECKS = 3
STATES_OF_CREATION = (("SUBMITTED", "TRAINING"), ("TRAINED",))
STATES_OF_STOP = (("SUBMITTED", "TRAINING", "STOP_REQUESTED"), ("TRAINED", "STOPPED", "IN_ERROR", "DELETING"))
STATES_OF_DELETION = ("SUBMITTED", "TRAINING", "DELETING", "IN_ERROR", "STOP_REQUESTED")


@dataclass(frozen=True)
class Calls:
    """The names of a type's operations and members."""

    kind: str
    operation: str
    plural: str
    name: str
    arn: str
    properties: str
    tag: str

    def call(self, account: reading.Account, verb: str, **request: Any) -> dict[str, Any]:
        """Call the operation of this type with a verb."""
        return dict(getattr(account.comprehend, f"{verb}_{self.operation}")(**request))

    def find(self, account: reading.Account, arn: str) -> dict[str, Any] | None:
        """Return what Describe says of a model; ``None`` if there is none."""
        try:
            return dict(self.call(account, "describe", **{self.arn: arn})[self.properties])
        except account.comprehend.exceptions.ResourceNotFoundException:
            return None

    def versions(self, account: reading.Account, name: str) -> list[dict[str, Any]]:
        """Return all versions of a name, as the provider pages through them."""
        comprehend: Any = account.comprehend
        pages = comprehend.get_paginator(f"list_{self.plural}").paginate(Filter={self.name: name})
        return [each for page in pages for each in page[f"{self.properties}List"]]


CLASSIFIER = Calls(
    "classifier",
    "document_classifier",
    "document_classifiers",
    "DocumentClassifierName",
    "DocumentClassifierArn",
    "DocumentClassifierProperties",
    "tf-aws_comprehend_document_classifier",
)
RECOGNIZER = Calls(
    "recognizer",
    "entity_recognizer",
    "entity_recognizers",
    "RecognizerName",
    "EntityRecognizerArn",
    "EntityRecognizerProperties",
    "tf-aws_comprehend_entity_recognizer",
)


def wait_for(calls: Calls, account: reading.Account, arn: str, states: tuple[Collection[str], Collection[str]]) -> None:
    """Wait as the provider does: another state than these is an error, and so is a model that is gone."""
    pending, target = states

    def reached() -> bool:
        found = calls.find(account, arn)
        assert found is not None, arn
        assert found["Status"] in (*pending, *target), found
        return found["Status"] in target

    eventually(reached, 120, arn)


def wait_until_gone(calls: Calls, account: reading.Account, arn: str) -> None:
    """Wait until a model was not found several times in a row."""
    missed = 0

    def gone() -> bool:
        nonlocal missed
        found = calls.find(account, arn)
        assert found is None or found["Status"] in STATES_OF_DELETION, found
        missed = missed + 1 if found is None else 0
        return missed > NOT_FOUND_CHECKS

    eventually(gone, 120, arn)


def interfaces(account: reading.Account, config: Mapping[str, Any]) -> set[str]:
    """Return the interfaces in the subnets and groups of a model."""
    filters = [
        {"Name": "group-id", "Values": list(config["SecurityGroupIds"])},
        {"Name": "subnet-id", "Values": list(config["Subnets"])},
    ]
    found = account.ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]  # type: ignore[arg-type]
    return {each["NetworkInterfaceId"] for each in found}


def publish(calls: Calls, library: Place, name: str, version: str, tags: Mapping[str, str]) -> str:
    """Create a version, tag its interface in another thread, and wait until it is trained. Return its ARN."""
    account, config = library.account, library.network.config()
    before = interfaces(account, config)
    trained = threading.Event()
    problems: list[ClientError] = []

    def tag() -> None:
        while not (new := interfaces(account, config) - before):
            if trained.wait(0.02):
                return  # The provider warns that it found none.
        try:
            account.ec2.create_tags(Resources=[min(new)], Tags=[{"Key": calls.tag, "Value": arn}])
        except ClientError as error:
            problems.append(error)

    request: dict[str, Any] = {
        "DataAccessRoleArn": library.role,
        "InputDataConfig": put_training_data(library, calls.kind),
        "LanguageCode": "en",
        calls.name: name,
        "VersionName": version,
        "VpcConfig": config,
        "ClientRequestToken": f"terraform-{name}-{version}",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if calls is CLASSIFIER:
        request["Mode"] = "MULTI_CLASS"
    arn = str(calls.call(account, "create", **request)[calls.arn])
    tagging = threading.Thread(target=tag)
    tagging.start()
    try:
        wait_for(calls, account, arn, STATES_OF_CREATION)
    finally:
        trained.set()
        tagging.join()
    # An interface may be gone before it is tagged: then the provider only warns.
    assert {error.response["Error"]["Code"] for error in problems} <= {"InvalidNetworkInterfaceID.NotFound"}
    return arn


def tags_of(account: reading.Account, arn: str) -> dict[str, str]:
    """Return the tags of a model."""
    listed = account.comprehend.list_tags_for_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag.get("Value", "") for tag in listed}


@pytest.mark.costs(30, reason="two models are trained")
@pytest.mark.parametrize("calls", [CLASSIFIER, RECOGNIZER], ids=lambda calls: calls.kind)
def test_a_model_is_created_tagged_versioned_and_destroyed(library: Place, calls: Calls) -> None:
    account, name = library.account, f"terraform-{calls.kind}"
    first = publish(calls, library, name, "v1", {"team": "post", "old": "1"})
    read = calls.find(account, first)
    assert read is not None
    assert (read["VersionName"], read["VpcConfig"]) == ("v1", library.network.config())
    assert tags_of(account, first) == {"team": "post", "old": "1"}

    account.comprehend.untag_resource(ResourceArn=first, TagKeys=["old"])
    account.comprehend.tag_resource(ResourceArn=first, Tags=[{"Key": "team", "Value": "press"}])
    assert tags_of(account, first) == {"team": "press"}

    second = publish(calls, library, name, "v2", {"team": "press"})
    assert {each[calls.arn] for each in calls.versions(account, name)} == {first, second}

    calls.call(account, "stop_training", **{calls.arn: second})
    wait_for(calls, account, second, STATES_OF_STOP)
    arns = [each[calls.arn] for each in calls.versions(account, name)]
    for arn in arns:
        calls.call(account, "delete", **{calls.arn: arn})
    for arn in arns:
        wait_until_gone(calls, account, arn)
        left = account.ec2.describe_network_interfaces(Filters=[{"Name": f"tag:{calls.tag}", "Values": [arn]}])
        assert left["NetworkInterfaces"] == []
    assert calls.versions(account, name) == []
    with pytest.raises(account.comprehend.exceptions.ResourceNotFoundException):
        calls.call(account, "stop_training", **{calls.arn: second})
