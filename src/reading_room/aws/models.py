"""The service models, botocore's and our own, loaded once: operations, shapes and their constraints.

Nothing here reads ``metadata["protocol"]``. The request determines the protocol, because a model lists all possible
protocols and the SDKs choose one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from botocore.model import OperationModel, ServiceModel

from reading_room import service_models
from reading_room.aws.plain_models import PlainLoader

ProtocolName = Literal["json", "query", "ec2", "rest-xml"]


@dataclass(frozen=True, slots=True)
class ServedService:
    """A service that is served here, and the protocol of its clients."""

    name: str
    """botocore's name, which is also the signing name of all services served."""
    protocol: ProtocolName
    target_prefix: str | None = None
    """The part before the operation in ``X-Amz-Target``; only for JSON services."""
    version: str | None = None
    """The ``Version`` parameter; only for query services."""
    is_global: bool = False
    """Whether clients of every region may sign for us-east-1."""

    @property
    def target_prefixes(self) -> frozenset[str]:
        """The forms of the target's prefix. Some clients, such as the AWS SDK for JavaScript, omit its package."""
        if self.target_prefix is None:
            return frozenset()
        return frozenset((self.target_prefix, self.target_prefix.rpartition(".")[2]))


SERVED: Mapping[str, ServedService] = {
    served.name: served
    for served in (
        ServedService("comprehend", "json", target_prefix="Comprehend_20171127"),
        ServedService("kms", "json", target_prefix="TrentService"),
        ServedService("logs", "json", target_prefix="Logs_20140328"),
        ServedService("cloudtrail", "json", target_prefix="com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
        ServedService("organizations", "json", target_prefix="AWSOrganizationsV20161128", is_global=True),
        ServedService("ec2", "ec2", version="2016-11-15"),
        ServedService("iam", "query", version="2010-05-08", is_global=True),
        ServedService("sts", "query", version="2011-06-15", is_global=True),
        ServedService("s3", "rest-xml"),
        ServedService("reading-room", "json", target_prefix="ReadingRoom_20261127"),
    )
}


_TEXTS = {"comprehend": (("DetectPiiEntitiesRequest", "Text"), ("ContainsPiiEntitiesRequest", "Text"))}
"""Members with customers' texts that the models, unlike those of all other operations, do not mark as sensitive."""


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service. Raises botocore's ``UnknownServiceError`` for a name it does not know."""
    loader = PlainLoader(extra_search_paths=[str(service_models.FOLDER)])
    found = loader.load_service_model(service, "service-2")
    for shape, member in _TEXTS.get(service, ()):
        found["shapes"][shape]["members"][member]["sensitive"] = True
    return ServiceModel(found, service)


@cache
def _operation_names(service: str) -> frozenset[str]:
    return frozenset(service_model(service).operation_names)


def operation_model(service: str, operation: str) -> OperationModel | None:
    """Return the model of an operation, or ``None`` if the service has no such operation.

    Each call returns the same object, so that its shapes are resolved only once in a process.
    """
    if operation not in _operation_names(service):
        return None
    return _operation_model(service, operation)


@cache
def _operation_model(service: str, operation: str) -> OperationModel:
    return service_model(service).operation_model(operation)
