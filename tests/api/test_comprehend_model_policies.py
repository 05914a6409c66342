"""Resource policies of models, and how another account imports a model with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.models import ACCOUNT, OTHER_ACCOUNT, ModelWorld, classifier_request, refused

pytestmark = pytest.mark.costs(0.2, reason="it starts the whole product, and the controller handles a training")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    world = ModelWorld(tmp_path)
    yield world
    world.close()


def policy(**changes: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
        "Action": "comprehend:ImportModel",
        "Resource": "*",
        **changes,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_can_be_changed_only_with_its_current_revision(world: ModelWorld) -> None:
    arn = world.train()
    assert "ResourcePolicy" not in world.client.describe_resource_policy(ResourceArn=arn)
    first = world.client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy())["PolicyRevisionId"]
    shown = world.client.describe_resource_policy(ResourceArn=arn)
    assert shown["PolicyRevisionId"] == first
    assert shown["ResourcePolicy"] == json.dumps(json.loads(policy()), separators=(",", ":"))
    assert shown["CreationTime"] == shown["LastModifiedTime"] == world.now
    second = world.client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(), PolicyRevisionId=first)
    assert second["PolicyRevisionId"] != first
    for call, more in (
        (world.client.put_resource_policy, {"ResourcePolicy": policy()}),
        (world.client.delete_resource_policy, {}),
    ):
        code, message = refused(call, ResourceArn=arn, PolicyRevisionId=first, **more)
        assert code == "InvalidRequestException"
        assert first in message
    world.client.delete_resource_policy(ResourceArn=arn, PolicyRevisionId=second["PolicyRevisionId"])
    world.client.delete_resource_policy(ResourceArn=arn)
    assert "ResourcePolicy" not in world.client.describe_resource_policy(ResourceArn=arn)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "invalid Json"),
        (policy(Action="comprehend:DetectEntities"), "comprehend:DetectEntities"),
        (policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}), "user/nobody"),
        ('{"Version": "2012-10-17"}', "Statement"),
    ],
)
def test_an_invalid_model_policy_is_refused(world: ModelWorld, text: str, word: str) -> None:
    arn = world.train()
    code, message = refused(world.client.put_resource_policy, ResourceArn=arn, ResourcePolicy=text)
    assert code == "InvalidRequestException"
    assert word in message
    assert "ResourcePolicy" not in world.client.describe_resource_policy(ResourceArn=arn)


def test_a_model_can_be_created_with_a_policy(world: ModelWorld) -> None:
    create = world.client.create_document_classifier
    assert refused(create, **classifier_request(ModelPolicy="{"))[0] == "InvalidRequestException"
    assert world.client.list_document_classifiers()["DocumentClassifierPropertiesList"] == []
    arn = create(**classifier_request(ModelPolicy=policy()))["DocumentClassifierArn"]
    assert "ResourcePolicy" in world.client.describe_resource_policy(ResourceArn=arn)


def test_only_accounts_named_in_the_policy_can_import_a_model(world: ModelWorld) -> None:
    source = world.train()
    named = world.client_of("named", account=OTHER_ACCOUNT)
    third = world.client_of("third", account="777788889999")
    world.client.put_resource_policy(ResourceArn=source, ResourcePolicy=policy())
    assert refused(third.import_model, SourceModelArn=source)[0] == "ResourceNotFoundException"
    arn = named.import_model(SourceModelArn=source)["ModelArn"]
    assert f":{OTHER_ACCOUNT}:" in arn
    world.turn()
    shown = named.describe_document_classifier(DocumentClassifierArn=arn)["DocumentClassifierProperties"]
    assert shown["Status"] == "TRAINED"
    denied = policy(Effect="Deny", Principal="*")
    world.client.put_resource_policy(ResourceArn=source, ResourcePolicy=denied)
    code, message = refused(world.client.import_model, SourceModelArn=source, ModelName="again")
    assert code == "AccessDeniedException"
    assert "explicit deny in a resource-based policy" in message
