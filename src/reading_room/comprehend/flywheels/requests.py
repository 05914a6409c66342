"""Validation of requests for flywheels and datasets beyond the API model, and what they describe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reading_room.analysis.flywheel.layout import SCHEMA
from reading_room.aws.call import Call
from reading_room.comprehend.errors import UnsupportedLanguageException
from reading_room.comprehend.flywheels.errors import InvalidFlywheelRequest
from reading_room.comprehend.models.models import CLASSIFIER, LANGUAGES, RECOGNIZER, ModelKind
from reading_room.comprehend.models.requests import (
    CSV,
    ENTITY_TYPES,
    MANIFEST,
    classifier_config,
    recognizer_config,
    training_places,
)
from reading_room.comprehend.request_checks import check_keys, check_location, check_network, check_role, repeated
from reading_room.comprehend.tags import as_mapping

KINDS: Mapping[str, ModelKind] = {"DOCUMENT_CLASSIFIER": CLASSIFIER, "ENTITY_RECOGNIZER": RECOGNIZER}
MODEL_TYPES: Mapping[str, str] = {kind.arn_type: name for name, kind in KINDS.items()}
"""``ModelType`` by the type in the ARNs of models."""
PATHS_LENGTH = 150
"""The most characters that a key in a data lake has after its root: the names of a dataset and its files."""
LABELS_LENGTH = 100_000
"""How many characters the labels of a TaskConfig may have together: they are part of every job's description."""
Network = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class NewFlywheel:
    """A flywheel as a caller requested it: with an active model, or with the kind and the task of a new model."""

    account: str
    region: str
    name: str
    active_model_arn: str | None
    kind: ModelKind | None
    task: Mapping[str, Any]
    role_arn: str
    network: Network
    place: str
    token: str | None
    digest: str
    tags: Mapping[str, str] = field(default_factory=dict)
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class NewDataset:
    """A dataset as a caller requested it. ``config`` is ``InputDataConfig`` in the form that trainings have."""

    name: str
    type: str
    description: str | None
    config: Mapping[str, Any]
    token: str | None = None
    digest: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    trace: str | None = None


def new_flywheel(call: Call) -> NewFlywheel:
    """Check a CreateFlywheel request. Raises ``InvalidFlywheelRequest`` and the errors of ``request_checks``."""
    request = call.parameters
    check_role(request["DataAccessRoleArn"], call.account)
    network = security_network(request.get("DataSecurityConfig") or {})
    model, task, kind = request.get("ActiveModelArn"), request.get("TaskConfig"), request.get("ModelType")
    if model is not None and (task is not None or kind is not None):
        raise InvalidFlywheelRequest("ActiveModelArn has a task of its own: leave out TaskConfig and ModelType.")
    wanted = None if kind is None else KINDS[kind]
    if model is None:
        if task is None or wanted is None:
            raise InvalidFlywheelRequest("CreateFlywheel needs ActiveModelArn, or both TaskConfig and ModelType.")
        _check_task(wanted, task)
    place = request["DataLakeS3Uri"].rstrip("/")
    lake = lake_uri(place, request["FlywheelName"], "0" * 16)
    check_location("DataLakeS3Uri, completed with the paths of datasets,", lake + "x" * PATHS_LENGTH)
    return NewFlywheel(
        call.account,
        call.region,
        request["FlywheelName"],
        model,
        wanted,
        task or {},
        request["DataAccessRoleArn"],
        network,
        place,
        request.get("ClientRequestToken"),
        digest_of(request),
        as_mapping(request.get("Tags") or (), of_flywheel=True),
        call.trace,
    )


def security_network(config: Mapping[str, Any]) -> Network:
    """Return the VpcConfig of a DataSecurityConfig, empty for none.

    Raises ``KmsKeyValidationException`` for a key, and ``DuplicateIds``.
    """
    names = ("VolumeKmsKeyId", "ModelKmsKeyId", "DataLakeKmsKeyId")
    check_keys({f"DataSecurityConfig.{name}": config.get(name) for name in names})
    network: Network | None = config.get("VpcConfig")
    check_network(network)
    return network or {}


def new_dataset(call: Call, kind: ModelKind, task: Mapping[str, Any]) -> NewDataset:
    """Check a CreateDataset request for a flywheel of a kind.

    Raises ``InvalidFlywheelRequest``, ``InvalidTrainingRequest``, and the errors of ``request_checks``.
    """
    request = call.parameters
    config = dataset_config(request["InputDataConfig"], kind, task)
    for member, uri in training_places(config).items():
        check_location(member, uri)
    return NewDataset(
        request["DatasetName"],
        request.get("DatasetType") or "TRAIN",
        request.get("Description"),
        config,
        request.get("ClientRequestToken"),
        digest_of(request),
        as_mapping(request.get("Tags") or ()),
        call.trace,
    )


def dataset_config(given: Mapping[str, Any], kind: ModelKind, task: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a dataset in the form that trainings have.

    Raises ``InvalidFlywheelRequest`` and ``InvalidTrainingRequest``.
    """
    data_format = given.get("DataFormat") or CSV
    own, other = "DocumentClassifierInputDataConfig", "EntityRecognizerInputDataConfig"
    if kind is RECOGNIZER:
        own, other = other, own
    if given.get(other):
        raise InvalidFlywheelRequest(
            f"InputDataConfig.{other} does not fit the flywheel, whose ModelType is {MODEL_TYPES[kind.arn_type]}: use "
            f"{own}."
        )
    if data_format == MANIFEST and given.get(own):
        raise InvalidFlywheelRequest(f"InputDataConfig.{own} cannot be used with DataFormat {MANIFEST}.")
    if data_format == CSV and not given.get(own):
        raise InvalidFlywheelRequest(f"InputDataConfig.{own} is required with DataFormat {CSV}.")
    members = {"DataFormat": data_format, **(given.get(own) or {})}
    if given.get("AugmentedManifests"):
        members["AugmentedManifests"] = given["AugmentedManifests"]
    if kind is CLASSIFIER:
        return classifier_config(members, mode_of(task))
    return recognizer_config({**members, "EntityTypes": task["EntityRecognitionConfig"]["EntityTypes"]})


def mode_of(task: Mapping[str, Any]) -> str:
    """Return the mode of a classifier's task."""
    return str(task["DocumentClassificationConfig"]["Mode"])


def lake_uri(place: str, name: str, time: str) -> str:
    """Return the root of the data lake of a flywheel that was created at a time."""
    return f"{place}/{name}/{SCHEMA}{time}/"


def digest_of(request: Mapping[str, Any]) -> str:
    """Return what identifies a request, to compare it with that of a repeated token."""
    members = {key: value for key, value in request.items() if key != "ClientRequestToken"}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()


def _check_task(kind: ModelKind, task: Mapping[str, Any]) -> None:
    own, other = "DocumentClassificationConfig", "EntityRecognitionConfig"
    if kind is RECOGNIZER:
        own, other = other, own
    if task.get(own) is None or task.get(other) is not None:
        raise InvalidFlywheelRequest(
            f"TaskConfig of a flywheel with ModelType {MODEL_TYPES[kind.arn_type]} needs {own}, and no {other}."
        )
    if task["LanguageCode"] not in LANGUAGES:
        raise UnsupportedLanguageException("CreateFlywheel", task["LanguageCode"], LANGUAGES)
    if kind is CLASSIFIER:
        labels = task[own].get("Labels") or ()
        for twice in repeated(labels) if len(set(labels)) < len(labels) else ():
            raise InvalidFlywheelRequest(f"{own}.Labels has {twice!r} more than once.")
        if (length := sum(map(len, labels))) > LABELS_LENGTH:
            raise InvalidFlywheelRequest(
                f"{own}.Labels has {length:,} characters, but all labels together have at most {LABELS_LENGTH:,}."
            )
        return
    types = [each["Type"] for each in task[own]["EntityTypes"]]
    if not 1 <= len(types) <= ENTITY_TYPES:
        raise InvalidFlywheelRequest(
            f"{own}.EntityTypes has {len(types)} types, but a recognizer has 1 to {ENTITY_TYPES}."
        )
    for twice in repeated(types):
        raise InvalidFlywheelRequest(f"{own}.EntityTypes has {twice!r} more than once.")
