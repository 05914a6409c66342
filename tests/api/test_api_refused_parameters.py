"""The parameters that docs/reference lists as refused are refused, with the error that it names."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from reading_room.aws.models import operation_model
from tests.worlds.minimal_calls import minimal, value
from tests.worlds.models import ModelWorld
from tests.worlds.scripts import script

DIFFERENCES = script("differences")
REFUSED = [(service, each) for service in DIFFERENCES.REFUSED for each in DIFFERENCES.refused(service)]
VALUES = {
    "GranteeServicePrincipal": "s3.amazonaws.com",
    "RetiringServicePrincipal": "s3.amazonaws.com",
    "SourceArn": "arn:aws:comprehend:us-east-1:111122223333:endpoint",
    "FlywheelStatsS3Prefix": "s3://papers/statistics/",
    "ResetMaxSigninSessionDuration": True,
    "TokenCode": "123456",
    "deletionProtectionEnabled": True,
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The clients of an account for this file, in which no call succeeds."""
    world = ModelWorld(tmp_path_factory.mktemp("refused"))
    yield {service: world.client_of(service, service=service) for service in DIFFERENCES.REFUSED}
    world.close()


def with_member(service: str, operation: str, path: str) -> dict[str, Any]:
    """Return the smallest valid parameters of a call, with one more member."""
    *way, name = path.split(".")
    model = operation_model(service, operation)
    assert model is not None
    parameters = deepcopy(minimal(service, operation))
    shape: Any = model.input_shape
    place = parameters
    for step in way:
        shape = shape.members[step]
        place = place.setdefault(step, deepcopy(value(step, shape)))
    place[name] = VALUES[name] if name in VALUES else value(name, shape.members[name])
    return parameters


@pytest.mark.parametrize(
    ("service", "refused"), REFUSED, ids=[f"{service}-{each.operation}-{each.path}" for service, each in REFUSED]
)
def test_a_parameter_that_is_listed_as_refused_is_refused(clients: dict[str, Any], service: str, refused: Any) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(clients[service], xform_name(refused.operation))(
            **with_member(service, refused.operation, refused.path)
        )
    assert raised.value.response["Error"]["Code"] == refused.code, raised.value
