"""The service model, which users' tools read: every operation in it is implemented and documented."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator

from reading_room import service_models
from reading_room.aws.models import SERVED, service_model
from reading_room.aws.operations import OperationTable, operation
from reading_room.client import connect
from reading_room.wiring.product import operation_table
from tests.worlds.extension import REGION, ExtensionWorld

NAME = "reading-room"
MODEL = service_model(NAME)
ROOT = Path(__file__).resolve().parents[2]


def test_every_operation_of_the_model_is_implemented() -> None:
    implemented = {bound.facts.name for bound in operation_table() if bound.facts.service == NAME}
    assert implemented == set(MODEL.operation_names)


def test_the_table_of_services_matches_the_model() -> None:
    served = SERVED[NAME]
    assert (MODEL.signing_name, MODEL.metadata["targetPrefix"]) == (NAME, served.target_prefix)
    assert MODEL.api_version == "2026-11-27"
    assert [name for name in MODEL.operation_names if MODEL.operation_model(name).auth_type == "none"] == [
        "RedeemSignInToken"
    ]


def test_a_signed_operation_of_the_model_cannot_be_bound_unsigned() -> None:
    class Careless:
        @operation(NAME, "CreateSignInToken", unsigned=True)
        def create(self, call: object, request: object) -> None:
            """Return a token to any caller."""

    with pytest.raises(ValueError, match="must be signed"):
        OperationTable(Careless())


def _members(shape: Shape | None, path: str) -> list[tuple[str, Shape]]:
    if isinstance(shape, ListShape):
        return _members(shape.member, path)
    if not isinstance(shape, StructureShape):
        return []
    found = []
    for name, member in shape.members.items():
        found += [(f"{path}.{name}", member), *_members(member, f"{path}.{name}")]
    return found


@pytest.mark.parametrize("name", MODEL.operation_names)
def test_every_operation_member_and_error_is_documented(name: str) -> None:
    model = MODEL.operation_model(name)
    assert model.documentation
    for path, shape in [*_members(model.input_shape, name), *_members(model.output_shape, name)]:
        assert shape.documentation, path
    assert all(shape.documentation for shape in model.error_shapes)


@pytest.mark.costs(0.3, reason="the whole product is made, and every operation is called")
def test_responses_match_the_model(world: ExtensionWorld) -> None:
    job = world.client("comprehend").start_entities_detection_job(**world.request())["JobId"]
    for _ in range(3):
        world.product.jobs.controller.turn()
    request = json.dumps(world.request())
    for name, parameters in (
        ("CreateSignInToken", {}),
        ("CheckJob", {"Operation": "StartEntitiesDetectionJob", "Request": request}),
        ("DescribeJobRuns", {"JobIds": [job, "none"], "IncludeEvents": True}),
    ):
        method = "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
        answer = getattr(world.room(), method)(**parameters)
        answer.pop("ResponseMetadata")
        shape = MODEL.operation_model(name).output_shape
        assert shape is not None
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), report.generate_report()


@pytest.mark.costs(0.35, reason="a process is started, which loads boto3")
def test_boto3_loads_the_model_through_aws_data_path() -> None:
    program = (
        "import boto3; client = boto3.client('reading-room', region_name='us-east-1', "
        "endpoint_url='http://127.0.0.1:1', aws_access_key_id='a', aws_secret_access_key='b'); "
        "print(client.meta.service_model.operation_names, client.meta.method_to_api_mapping['check_job'])"
    )
    environment = {**os.environ, "AWS_DATA_PATH": str(service_models.FOLDER)}
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "DescribeJobRuns" in ran.stdout
    assert ran.stdout.strip().endswith("CheckJob")


def test_the_products_own_clients_have_the_model_with_and_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for options in ({}, {"access_key_id": "a", "secret_access_key": "b"}):
        client = connect(NAME, "http://127.0.0.1:1", **options)
        assert client.meta.region_name == REGION


def test_the_page_about_the_api_names_every_operation_and_check() -> None:
    page = (ROOT / "docs" / "reading-room-api.md").read_text()
    missing = [name for name in MODEL.operation_names if f"`{name}`" not in page]
    checks = MODEL.shape_for("CheckName").metadata["enum"]
    assert [*missing, *(name for name in checks if f"`{name}`" not in page)] == []
