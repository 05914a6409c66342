"""Comprehend's errors and job kinds compared with Amazon's API model."""

from __future__ import annotations

import inspect
from typing import Any

import botocore.session
import pytest

from reading_room.agent.check import serves
from reading_room.analysis.forms import FORMS
from reading_room.analysis.kind import ENGINES, JobKind
from reading_room.analysis.kinds import JOB_KINDS
from reading_room.aws.errors import AwsError
from reading_room.comprehend import errors
from reading_room.comprehend.operations.realtime import REALTIME_KINDS, RealtimeKind

MODEL: Any = botocore.session.get_session().get_service_model("comprehend")
CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, AwsError) and value is not AwsError
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_is_one_that_the_model_declares(cls: type[AwsError]) -> None:
    shape = MODEL.shape_for(cls.code)
    assert shape.metadata["exception"]
    assert cls.status == (500 if cls.code == "InternalServerException" else 400)


COMMON = {
    *("JobName", "InputDataConfig", "OutputDataConfig", "DataAccessRoleArn", "LanguageCode", "ClientRequestToken"),
    *("VolumeKmsKeyId", "VpcConfig", "Tags", "FlywheelArn"),
}


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.arn_type)
def test_a_row_s_names_and_members_are_the_model_s(kind: JobKind) -> None:
    start = MODEL.operation_model(kind.start)
    assert kind.passes_role in start.input_shape.required_members
    assert ("LanguageCode" in start.input_shape.members) == bool(kind.languages)
    model = set() if kind.model is None else {kind.model.member}
    assert set(start.input_shape.members) - COMMON == set(kind.own) | model
    assert ("VpcConfig" in start.input_shape.members) != kind.vpc_tag
    assert set(kind.required) == set(start.input_shape.required_members) - COMMON
    assert model <= set(start.output_shape.members)
    shown = MODEL.operation_model(kind.describe).output_shape
    assert list(shown.members) == [kind.properties]
    assert set(kind.own) | model <= set(shown.members[kind.properties].members)
    assert f"{kind.properties}List" in MODEL.operation_model(kind.list).output_shape.members
    assert set(kind.engines.values()) <= set(ENGINES)


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.arn_type)
def test_a_kind_has_a_stop_where_the_model_has_one(kind: JobKind) -> None:
    assert (kind.stop is not None) == (kind.start.replace("Start", "Stop") in MODEL.operation_names)


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.arn_type)
def test_the_order_of_a_list_is_the_one_its_filter_documents(kind: JobKind) -> None:
    criteria = MODEL.operation_model(kind.list).input_shape.members["Filter"].members
    assert "newest to oldest" in criteria[kind.newest_first].documentation


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.arn_type)
def test_a_kind_s_results_have_a_form_and_its_engines_serve_it(kind: JobKind) -> None:
    custom = [] if kind.model is None else [(kind.model.engine, kind.model.analysis)]
    for engine, analysis in [*((engine, kind.name) for engine in kind.engines.values()), *custom]:
        assert serves(engine, analysis)
        # Topics write two tables about all documents instead of a line for each.
        assert analysis in FORMS or analysis == "topics"


@pytest.mark.parametrize("kind", REALTIME_KINDS, ids=lambda kind: kind.detect)
def test_a_synchronous_row_s_names_and_members_are_the_model_s(kind: RealtimeKind) -> None:
    detect = MODEL.operation_model(kind.detect)
    assert ("LanguageCode" in detect.input_shape.members) == (None not in kind.engines)
    assert set(kind.engines.values()) <= set(ENGINES)
    members = {kind.member} if kind.member else {"Sentiment", "SentimentScore"}
    assert members <= set(detect.output_shape.members)
    if kind.batch is not None:
        batch = MODEL.operation_model(kind.batch)
        assert set(batch.output_shape.members["ResultList"].member.members) == {"Index", *members}
    if kind.labels is not None:
        labels = MODEL.operation_model(kind.labels)
        assert set(labels.input_shape.members) == set(detect.input_shape.members)
        assert set(labels.output_shape.members["Labels"].member.members) == {"Name", "Score"}
