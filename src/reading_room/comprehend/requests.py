"""The rules of a Start request that the model does not know, and the job that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.kind import CustomModel, JobKind
from reading_room.aws.call import Call
from reading_room.comprehend.conditions import job_arn
from reading_room.comprehend.errors import (
    BothModelAndFlywheel,
    JobLanguageNotSupported,
    NeitherModelNorFlywheel,
    ReaderConfigNotSupported,
    ResourceNotFoundException,
)
from reading_room.comprehend.models.reference import resolve
from reading_room.comprehend.request_checks import check_keys, check_location, check_network, check_role
from reading_room.comprehend.tags import as_mapping, check_containers
from reading_room.jobs.places import output_location
from reading_room.jobs.submission import NewJob, repeated

DEFAULT_FORMAT = "ONE_DOC_PER_LINE"


def new_job(call: Call, kind: JobKind, job_id: str, topics: str = "embedding") -> NewJob:
    """Check a Start request and return its job; the custom model of one that uses any is still to be looked up.

    ``topics`` is the method of the server's settings. Whether role, bucket, subnets and groups exist is not asked here:
    as with Amazon's service, the job finds out. Raises the errors imported above and those of ``request_checks``.
    """
    request = call.parameters
    network = request.get("VpcConfig")
    check_role(request["DataAccessRoleArn"], call.account)
    check_network(network)
    language = request.get("LanguageCode")
    tags = as_mapping(request.get("Tags") or ())
    model = _custom_model(kind, request)
    analysis = kind.name if model is None else model.analysis
    own = _own_members(kind, request, topics)
    check_containers(tags, analysis, own)
    if request["InputDataConfig"].get("DocumentReaderConfig"):
        raise ReaderConfigNotSupported
    if model is None and language not in kind.engines:
        raise JobLanguageNotSupported(kind.start, str(language), kind.languages)
    check_keys(
        {
            "VolumeKmsKeyId": request.get("VolumeKmsKeyId"),
            "OutputDataConfig.KmsKeyId": request["OutputDataConfig"].get("KmsKeyId"),
        }
    )
    output = output_location(request["OutputDataConfig"]["S3Uri"], call.account, kind.token, job_id)
    check_location("InputDataConfig.S3Uri", request["InputDataConfig"]["S3Uri"])
    check_location("OutputDataConfig.S3Uri, completed with the job's own path,", output)
    return NewJob(
        job_id=job_id,
        account=call.account,
        region=call.region,
        kind=kind.arn_type,
        arn=job_arn(call.region, call.account, kind, job_id),
        role_arn=request["DataAccessRoleArn"],
        engine=kind.engines[language] if model is None else model.engine,
        analysis=analysis,
        input_uri=request["InputDataConfig"]["S3Uri"],
        input_format=request["InputDataConfig"].get("InputFormat") or DEFAULT_FORMAT,
        output_uri=output,
        document_limit=kind.document_limit,
        total_limit=kind.total_limit,
        documents_limit=kind.documents_limit,
        parameters={key: value for key, value in request.items() if key != "ClientRequestToken"},
        request=own,
        name=request.get("JobName"),
        client_token=request.get("ClientRequestToken"),
        language=language,
        subnets=None if network is None else tuple(network["Subnets"]),
        security_groups=None if network is None else tuple(network["SecurityGroupIds"]),
        tags=tags,
    )


def with_model(session: Session, call: Call, new: NewJob) -> NewJob:
    """Return a job with the custom model that its request names, if it names any; a repeated call has its job already.

    To be called in the transaction that submits the job. Raises as ``model_reference.resolve`` does.
    """
    if repeated(session, new) is not None or (model := resolve(session, call, call.parameters)) is None:
        return new
    # A LanguageCode is asked for and decides nothing: a model reads the language it was trained in.
    return replace(new, model=model.use, language=None if new.language is None else model.language)


def _own_members(kind: JobKind, request: Mapping[str, Any], topics: str) -> dict[str, Any]:
    members = {member: request.get(member) or default for member, default in kind.own.items()}
    # The method is the server's to choose, and a job keeps the one that it was submitted with.
    return members | {"Engine": topics} if kind.name == "topics" else members


def _custom_model(kind: JobKind, request: Mapping[str, Any]) -> CustomModel | None:
    """Return what does the work when a custom model does, ``None`` when a built-in engine does."""
    if kind.model is None:
        return None
    model, flywheel = request.get(kind.model.member), request.get("FlywheelArn")
    if model and flywheel:
        raise BothModelAndFlywheel(kind.model.member)
    if flywheel:
        # There is no operation that makes one, so the ARN names nothing.
        raise ResourceNotFoundException
    if not model and not kind.engines:
        raise NeitherModelNorFlywheel(kind.start, kind.model.member)
    return kind.model if model else None
