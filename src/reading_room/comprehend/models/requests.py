"""Validation of CreateDocumentClassifier and CreateEntityRecognizer beyond the API model.

Training data is plain text only. Members for other document formats are rejected, never ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reading_room.analysis.formats import DOCUMENTS_TAG
from reading_room.aws.call import Call
from reading_room.comprehend.errors import DocumentsTagInvalid, UnsupportedLanguageException
from reading_room.comprehend.models.errors import InvalidTrainingRequest
from reading_room.comprehend.models.models import CLASSIFIER, LANGUAGES, RECOGNIZER, ModelKind, model_arn
from reading_room.comprehend.pii_profiles import check_tag
from reading_room.comprehend.request_checks import check_keys, check_location, check_network, check_role, repeated
from reading_room.comprehend.tables import ModelRow
from reading_room.comprehend.tags import as_mapping, check_containers, documents_requested
from reading_room.comprehend.vpc_tag import network_of
from reading_room.jobs.places import output_location
from reading_room.jobs.submission import ModelUse, NewJob
from reading_room.s3.service_bucket_name import artifact_uri

MANIFESTS, ATTRIBUTES, ENTITY_TYPES, TYPE_LENGTH = 5, 5, 25, 64
DOCUMENT_LIMIT = 10_000_000
"""The most bytes of a training document that the service accepts; a training has narrower limits."""
CSV, MANIFEST = "COMPREHEND_CSV", "AUGMENTED_MANIFEST"
LABEL_DELIMITER = "|"
"""The default separator between the labels of a document."""
LIMITS: Mapping[str, tuple[int, int]] = {
    CLASSIFIER.arn_type: (5_000_000_000, 1_000_000),
    RECOGNIZER.arn_type: (200 << 20, 200_000),
}
"""The most bytes and documents of training data."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """A requested model, its training, and its policy, if any."""

    row: ModelRow
    job: NewJob
    policy: str | None


def new_classifier(call: Call, model_id: str) -> NewModel:
    """Check a CreateDocumentClassifier request and return its model.

    Raises the errors of ``request_checks`` and those imported above.
    """
    request = call.parameters
    mode = request.get("Mode") or "MULTI_CLASS"
    config = classifier_config(request["InputDataConfig"], mode)
    output = request.get("OutputDataConfig") or {}
    if output.get("FlywheelStatsS3Prefix"):
        raise InvalidTrainingRequest("OutputDataConfig.FlywheelStatsS3Prefix is for flywheels: leave it out.")
    prefix = output.get("S3Uri")
    output_uri = None if prefix is None else output_location(prefix, call.account, "CLR", model_id)
    if output_uri is not None:
        check_location("OutputDataConfig.S3Uri, completed with the training's own path,", output_uri)
    return _new_model(call, CLASSIFIER, model_id, config, mode, output_uri)


def new_recognizer(call: Call, model_id: str) -> NewModel:
    """Check a CreateEntityRecognizer request and return its model.

    Raises the errors of ``request_checks`` and those imported above.
    """
    config = recognizer_config(call.parameters["InputDataConfig"])
    return _new_model(call, RECOGNIZER, model_id, config, None, None)


def _new_model(
    call: Call, kind: ModelKind, model_id: str, config: dict[str, Any], mode: str | None, output_uri: str | None
) -> NewModel:
    request = call.parameters
    role_arn, network = request["DataAccessRoleArn"], network_of(kind.create, request)
    check_role(role_arn, call.account)
    check_network(network)
    if request["LanguageCode"] not in LANGUAGES:
        raise UnsupportedLanguageException(kind.create, request["LanguageCode"], LANGUAGES)
    check_keys(
        {
            "VolumeKmsKeyId": request.get("VolumeKmsKeyId"),
            "ModelKmsKeyId": request.get("ModelKmsKeyId"),
            "OutputDataConfig.KmsKeyId": (request.get("OutputDataConfig") or {}).get("KmsKeyId"),
        }
    )
    tags = as_mapping(request.get("Tags") or ())
    check_containers(tags, kind.training, {})
    check_tag(kind.create, tags)
    if documents_requested(tags) is not None:
        raise DocumentsTagInvalid(DOCUMENTS_TAG, tags[DOCUMENTS_TAG], "trainings read text: leave it out")
    new = new_training(
        kind,
        account=call.account,
        region=call.region,
        model_id=model_id,
        name=request[kind.name_member],
        version=request.get("VersionName") or None,
        language=request["LanguageCode"],
        mode=mode,
        config=config,
        output_uri=output_uri,
        role_arn=role_arn,
        network=network,
        policy=request.get("ModelPolicy"),
    )
    for member, uri in training_places(config).items():
        check_location(member, uri)
    job = replace(
        new.job,
        parameters={key: value for key, value in request.items() if key != "ClientRequestToken"},
        client_token=request.get("ClientRequestToken"),
        tags=tags,
        trace=call.trace,
    )
    return replace(new, job=job)


def new_training(
    kind: ModelKind,
    *,
    account: str,
    region: str,
    model_id: str,
    name: str,
    version: str | None,
    language: str,
    mode: str | None,
    config: Mapping[str, Any],
    output_uri: str | None,
    role_arn: str,
    network: Mapping[str, Sequence[str]] | None,
    policy: str | None = None,
) -> NewModel:
    """Return a model and its training. ``config`` is the ``InputDataConfig`` with its defaults."""
    arn = model_arn(region, account, kind, name, version)
    artifact = artifact_uri(region, account, model_id)
    row = ModelRow(
        arn=arn,
        model_id=model_id,
        account=account,
        region=region,
        kind=kind.arn_type,
        name=name,
        version=version,
        language=language,
        mode=mode,
        input_config=dict(config),
        output_uri=output_uri,
        role_arn=role_arn,
        artifact_uri=artifact,
        deleting=False,
    )
    own: dict[str, Any] = {"InputDataConfig": config, "LanguageCode": language}
    if mode is not None:
        own["Mode"] = mode
    if output_uri is not None:
        own["OutputDataConfig"] = {"S3Uri": output_uri}
    total, documents = LIMITS[kind.arn_type]
    job = NewJob(
        job_id=model_id,
        account=account,
        region=region,
        kind=kind.arn_type,
        arn=arn,
        role_arn=role_arn,
        engine=kind.training_engine,
        analysis=kind.training,
        input_uri=next(iter(training_places(config).values())),
        input_format=(config.get("Documents") or {}).get("InputFormat", "ONE_DOC_PER_LINE"),
        # Without a place for the confusion matrix, a training writes only its artifact.
        output_uri=output_uri or artifact,
        document_limit=DOCUMENT_LIMIT,
        total_limit=total,
        documents_limit=documents,
        parameters={},
        request=own,
        name=name,
        language=language,
        subnets=None if network is None else tuple(network["Subnets"]),
        security_groups=None if network is None else tuple(network["SecurityGroupIds"]),
        model=ModelUse(arn, artifact),
    )
    return NewModel(row, job, policy)


def classifier_config(given: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """Return the ``InputDataConfig`` of a classifier with its defaults. Raises ``InvalidTrainingRequest``."""
    data_format = given.get("DataFormat") or CSV
    if (given.get("DocumentType") or "PLAIN_TEXT_DOCUMENT") != "PLAIN_TEXT_DOCUMENT":
        raise InvalidTrainingRequest(
            f"InputDataConfig.DocumentType {given['DocumentType']} is not supported: only PLAIN_TEXT_DOCUMENT is."
        )
    for member in ("Documents", "DocumentReaderConfig"):
        if given.get(member):
            raise InvalidTrainingRequest(
                f"InputDataConfig.{member} is for SEMI_STRUCTURED_DOCUMENT, which is not supported: leave it out."
            )
    if data_format == CSV:
        _require(given, "S3Uri", CSV)
        _refuse(given, ("AugmentedManifests",), CSV)
    else:
        _refuse(given, ("S3Uri", "TestS3Uri"), MANIFEST)
        _check_manifests(given)
    if given.get("LabelDelimiter") is not None and (mode, data_format) != ("MULTI_LABEL", CSV):
        raise InvalidTrainingRequest(
            f"InputDataConfig.LabelDelimiter is for Mode MULTI_LABEL with {CSV}; here Mode is {mode} with "
            f"{data_format}."
        )
    defaults = {"DataFormat": data_format}
    if (mode, data_format) == ("MULTI_LABEL", CSV):
        defaults["LabelDelimiter"] = LABEL_DELIMITER
    return {**defaults, **{key: value for key, value in given.items() if value is not None}}


def recognizer_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``InputDataConfig`` of a recognizer with its defaults. Raises ``InvalidTrainingRequest``."""
    data_format = given.get("DataFormat") or CSV
    types = [entry["Type"] for entry in given["EntityTypes"]]
    if not 1 <= len(types) <= ENTITY_TYPES:
        raise InvalidTrainingRequest(
            f"InputDataConfig.EntityTypes has {len(types)} types, but a recognizer has 1 to {ENTITY_TYPES}."
        )
    for number, name in enumerate(types):
        if not name.strip() or len(name) > TYPE_LENGTH:
            raise InvalidTrainingRequest(
                f"InputDataConfig.EntityTypes[{number}].Type {name!r} must have 1 to {TYPE_LENGTH} characters."
            )
    for twice in repeated(types):
        raise InvalidTrainingRequest(f"InputDataConfig.EntityTypes has {twice!r} more than once.")
    config: dict[str, Any] = {"DataFormat": data_format, **given}
    if data_format == MANIFEST:
        _refuse(given, ("Documents", "Annotations", "EntityList"), MANIFEST)
        _check_manifests(given)
        return config
    _require(given, "Documents", CSV)
    _refuse(given, ("AugmentedManifests",), CSV)
    labels = [member for member in ("Annotations", "EntityList") if given.get(member)]
    if len(labels) != 1:
        raise InvalidTrainingRequest(
            "InputDataConfig needs either Annotations or EntityList; "
            + ("both are given." if labels else "neither is given.")
        )
    tests = [
        f"{member}.TestS3Uri"
        for member in ("Documents", "Annotations")
        if (given.get(member) or {}).get("TestS3Uri") is not None
    ]
    if len(tests) == 1:
        raise InvalidTrainingRequest(
            f"InputDataConfig.{tests[0]} is given alone: test documents need annotations and the reverse."
        )
    config["Documents"] = {"InputFormat": "ONE_DOC_PER_LINE", **given["Documents"]}
    return config


def _check_manifests(given: Mapping[str, Any]) -> None:
    manifests: Sequence[Mapping[str, Any]] = given.get("AugmentedManifests") or ()
    if not 1 <= len(manifests) <= MANIFESTS:
        raise InvalidTrainingRequest(
            f"InputDataConfig.AugmentedManifests has {len(manifests)} manifests; {MANIFEST} needs 1 to {MANIFESTS}."
        )
    for number, manifest in enumerate(manifests):
        about = f"InputDataConfig.AugmentedManifests[{number}]"
        if not 1 <= len(manifest["AttributeNames"]) <= ATTRIBUTES:
            raise InvalidTrainingRequest(
                f"{about}.AttributeNames has {len(manifest['AttributeNames'])} names; it needs 1 to {ATTRIBUTES}."
            )
        if (manifest.get("DocumentType") or "PLAIN_TEXT_DOCUMENT") != "PLAIN_TEXT_DOCUMENT":
            raise InvalidTrainingRequest(f"{about}.DocumentType: only PLAIN_TEXT_DOCUMENT is supported.")
        for member in ("AnnotationDataS3Uri", "SourceDocumentsS3Uri"):
            if manifest.get(member):
                raise InvalidTrainingRequest(
                    f"{about}.{member} is for SEMI_STRUCTURED_DOCUMENT, which is not supported: leave it out."
                )


def _require(given: Mapping[str, Any], member: str, data_format: str) -> None:
    if not given.get(member):
        raise InvalidTrainingRequest(f"InputDataConfig.{member} is required with DataFormat {data_format}.")


def _refuse(given: Mapping[str, Any], members: Iterable[str], data_format: str) -> None:
    for member in members:
        if given.get(member):
            raise InvalidTrainingRequest(f"InputDataConfig.{member} cannot be used with DataFormat {data_format}.")


def training_places(config: Mapping[str, Any]) -> dict[str, str]:
    """Return every location of training data by the name of its member, in the order in which they are read."""
    found: dict[str, str] = {}

    def walk(about: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, member in value.items():
                if key.endswith("S3Uri") and member is not None:
                    found[f"{about}.{key}"] = member
                else:
                    walk(f"{about}.{key}", member)
        elif isinstance(value, list):
            for number, each in enumerate(value):
                walk(f"{about}[{number}]", each)

    walk("InputDataConfig", dict(config))
    return dict(sorted(found.items(), key=lambda place: (".Documents." not in place[0], ".Test" in place[0])))


def input_uris(request: Mapping[str, Any], input_uri: str) -> Sequence[str]:
    """Return every location that a job reads, from the row's ``request`` and ``input_uri``."""
    config = request.get("InputDataConfig")
    return (input_uri,) if config is None else tuple(training_places(config).values())
