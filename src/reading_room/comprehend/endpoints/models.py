"""The custom model of a model endpoint, as the containers that answer its calls need it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

from reading_room.analysis.kind import EngineName
from reading_room.aws.errors import AwsError
from reading_room.comprehend.errors import ResourceUnavailableException
from reading_room.comprehend.models.models import Model
from reading_room.comprehend.models.models import find as find_model

MOST_MODELS = 24
"""The most models that the endpoints of an installation use: each has a container, and an agent takes 64 of them."""
_BASE: Mapping[EngineName, int] = {"classification": 180_000_000, "custom-entities": 450_000_000}
"""The most bytes that a container took with a small model, while it analysed texts of 100 KB: measured."""
_A_BYTE = 6
"""What each byte of a model's file adds: measured were 5.3, with classifiers of 1 and of 25 MB."""


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """A trained model: its account, the engine that uses it, and its artifact."""

    account: str
    engine: EngineName
    arn: str
    artifact_uri: str
    sha256: str
    size: int
    """The bytes of the artifact; 0 if unknown."""

    @property
    def memory(self) -> int:
        """The estimated bytes of its container."""
        return _BASE[self.engine] + _A_BYTE * self.size

    @property
    def digest(self) -> str:
        """What identifies the model to those who need know no more of it: 32 hexadecimal digits."""
        return hashlib.sha256(f"{self.arn} {self.sha256}".encode()).hexdigest()[:32]


class ModelRefused(ResourceUnavailableException):
    """A custom model cannot be loaded. ``problem`` says why, without a full stop."""

    def __init__(self, code: str, problem: str) -> None:
        self.problem_code, self.problem = code, problem
        AwsError.__init__(self, f"{code}: {problem}.")


def endpoint_model(model: Model) -> EndpointModel | None:
    """Return what containers need of a model; ``None`` if it is not trained."""
    if model.sha256 is None:
        return None
    row, job = model.row, model.job
    size = (row.artifact_size if job is None else job.artifact_size) or 0
    return EndpointModel(row.account, model.kind.using_engine, row.arn, row.artifact_uri, model.sha256, size)


def model_of(session: Session, account: str, arn: str) -> EndpointModel | None:
    """Return the account's model with an ARN; ``None`` if it is not trained. Raises ``ResourceNotFoundException``."""
    return endpoint_model(find_model(session, account, arn))


class ModelContainers(Protocol):
    """The containers of custom models."""

    def keep(self, models: Collection[EndpointModel], arrived: Callable[[], None]) -> None:
        """Have a container for each of these models, and no other. ``arrived`` is called when one has started."""
        ...

    def load(self, model: EndpointModel) -> None:
        """Wait until a container has loaded a model. Raises ``ModelRefused``, or another ``AwsError`` to retry."""
        ...

    def ready(self, model: EndpointModel) -> bool:
        """Return whether a model can answer: its container has loaded it, or it sleeps. Never waits."""
        ...
