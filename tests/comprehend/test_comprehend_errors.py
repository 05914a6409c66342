"""Comprehend's errors and job kinds against Amazon's own model."""

from __future__ import annotations

import inspect
from typing import Any

import botocore.session
import pytest

from reading_room.aws.errors import AwsError
from reading_room.comprehend import errors
from reading_room.comprehend.job_kinds import JOB_KINDS, JobKind
from reading_room.containers.spec import ENGINES

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


@pytest.mark.parametrize("kind", JOB_KINDS, ids=lambda kind: kind.arn_type)
def test_a_row_s_names_and_members_are_the_model_s(kind: JobKind) -> None:
    start = MODEL.operation_model(kind.start)
    assert kind.passes_role in start.input_shape.required_members
    assert ("LanguageCode" in start.input_shape.members) == (None not in kind.engines)
    assert ("EntityRecognizerArn" in start.input_shape.members) == kind.custom_models
    assert list(MODEL.operation_model(kind.describe).output_shape.members) == [kind.properties]
    assert f"{kind.properties}List" in MODEL.operation_model(kind.list).output_shape.members
    assert set(MODEL.operation_model(kind.stop).output_shape.members) == {"JobId", "JobStatus"}
    assert set(kind.engines.values()) <= set(ENGINES)
