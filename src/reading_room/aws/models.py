"""The service models, botocore's and our own, loaded once: operations, shapes and their constraints.

Nothing here reads ``metadata["protocol"]``: what a client speaks is decided by its request, because a model lists what
is possible and the SDKs choose.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from botocore.loaders import JSONFileLoader, Loader
from botocore.model import OperationModel, ServiceModel

from reading_room import service_models

ProtocolName = Literal["json", "query", "ec2", "rest-xml"]


@dataclass(frozen=True, slots=True)
class ServedService:
    """A service that has an endpoint here, and how its clients speak to it."""

    name: str
    """botocore's name, which is also the signing name of all services served."""
    protocol: ProtocolName
    target_prefix: str | None = None
    """What precedes the operation in ``X-Amz-Target``; of JSON services only."""
    version: str | None = None
    """The ``Version`` parameter; of query services only."""
    is_global: bool = False
    """Clients may sign for us-east-1 wherever they are."""

    @property
    def target_prefixes(self) -> frozenset[str]:
        """The target's prefix as clients write it: the AWS SDK for JavaScript, for one, leaves its package out."""
        if self.target_prefix is None:
            return frozenset()
        return frozenset((self.target_prefix, self.target_prefix.rpartition(".")[2]))


SERVED: Mapping[str, ServedService] = {
    served.name: served
    for served in (
        ServedService("comprehend", "json", target_prefix="Comprehend_20171127"),
        ServedService("logs", "json", target_prefix="Logs_20140328"),
        ServedService("cloudtrail", "json", target_prefix="com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
        ServedService("ec2", "ec2", version="2016-11-15"),
        ServedService("iam", "query", version="2010-05-08", is_global=True),
        ServedService("sts", "query", version="2011-06-15", is_global=True),
        ServedService("s3", "rest-xml"),
        ServedService("reading-room", "json", target_prefix="ReadingRoom_20261127"),
    )
}


class _PlainFiles(JSONFileLoader):
    """The models' files as plain dictionaries: botocore's ordered ones take a third more memory, for the same order."""

    def load_file(self, file_path: str) -> Any:
        """Return what the file holds, ``None`` where there is none; ``file_path`` has no ending."""
        for path, opener in ((Path(f"{file_path}.json"), open), (Path(f"{file_path}.json.gz"), gzip.open)):
            if path.is_file():
                with opener(path, "rb") as file:
                    return json.load(file)
        return None


class _PlainLoader(Loader):
    FILE_LOADER_CLASS = _PlainFiles


@cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service. Raises botocore's ``UnknownServiceError`` for a name it does not know."""
    loader = _PlainLoader(extra_search_paths=[str(service_models.FOLDER)])
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


@cache
def _operation_names(service: str) -> frozenset[str]:
    return frozenset(service_model(service).operation_names)


def operation_model(service: str, operation: str) -> OperationModel | None:
    """Return the model of an operation, or ``None`` when the service has none of that name.

    The same object comes back each time, so its shapes are resolved once in the life of the process.
    """
    if operation not in _operation_names(service):
        return None
    return _operation_model(service, operation)


@cache
def _operation_model(service: str, operation: str) -> OperationModel:
    return service_model(service).operation_model(operation)
