"""Validation of Start requests beyond the API model, and the jobs that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from reading_room.analysis.event_types import TARGETS
from reading_room.analysis.formats import DOCUMENTS, DOCUMENTS_TAG, READER
from reading_room.analysis.kind import CustomModel, JobKind
from reading_room.aws.call import Call
from reading_room.comprehend.conditions import job_arn
from reading_room.comprehend.errors import (
    BothModelAndFlywheel,
    DocumentsPerFileOnly,
    FlywheelOfOtherType,
    JobLanguageNotSupported,
    NeitherModelNorFlywheel,
    ReaderConfigNotSupported,
)
from reading_room.comprehend.flywheels.flywheels import active_model
from reading_room.comprehend.models.models import kind_of_arn
from reading_room.comprehend.models.reference import names_model, resolve
from reading_room.comprehend.request_checks import (
    check_event_types,
    check_keys,
    check_location,
    check_network,
    check_reader,
    check_redaction,
    check_role,
)
from reading_room.comprehend.tags import as_mapping, check_containers, documents_requested
from reading_room.comprehend.vpc_tag import network_of
from reading_room.jobs.places import output_location
from reading_room.jobs.submission import NewJob, repeated

DEFAULT_FORMAT = "ONE_DOC_PER_LINE"
FLYWHEEL = "FlywheelArn"
"""The member of a request, and of a job's row, that names the flywheel whose active model does the work."""


def new_job(call: Call, kind: JobKind, job_id: str, topics: str = "embedding", *, extensions: bool = True) -> NewJob:
    """Check a Start request and return its job, without the custom model, if any: ``with_model`` adds that.

    ``topics`` is the method in the server's settings. With ``extensions``, the request may have languages that Amazon
    does not document. This does not check that role, bucket, subnets and groups exist:
    as in Amazon's service, the job fails if they do not. Raises the errors imported above and those of
    ``request_checks``.
    """
    request = call.parameters
    network = network_of(call.operation, request)
    check_role(request["DataAccessRoleArn"], call.account)
    check_network(network)
    language = request.get("LanguageCode")
    tags = as_mapping(request.get("Tags") or ())
    model = _custom_model(kind, request)
    analysis = kind.name if model is None else model.analysis
    own = _own_members(kind, request, topics)
    check_redaction(own)
    check_event_types(own)
    check_containers(tags, analysis, own)
    own |= _documents(request["InputDataConfig"], tags, model is not None)
    languages = kind.languages_in(extensions=extensions)
    if model is None and language not in (languages or kind.engines):
        raise JobLanguageNotSupported(kind.start, str(language), languages)
    check_keys(
        {
            "VolumeKmsKeyId": request.get("VolumeKmsKeyId"),
            "OutputDataConfig.KmsKeyId": request["OutputDataConfig"].get("KmsKeyId"),
        }
    )
    output = output_location(request["OutputDataConfig"]["S3Uri"], call.account, kind.token, job_id, kind.output_name)
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
        trace=call.trace,
    )


def with_model(session: Session, call: Call, new: NewJob) -> NewJob:
    """Return a job with the custom model that its request names, or the active one of its flywheel, if any.

    If the call repeats an earlier one, return ``new`` unchanged: its job already exists. Call this in the transaction
    that submits the job. Raises what ``reference.resolve`` and ``active_model`` raise, and ``FlywheelOfOtherType``.
    """
    request, flywheel = call.parameters, call.parameters.get(FLYWHEEL)
    if (flywheel is None and not names_model(request)) or repeated(session, new) is not None:
        return new
    if flywheel is not None:
        arn = active_model(session, call.account, flywheel)
        request = {**request, kind_of_arn(arn).arn_member: arn}
    model = resolve(session, call, request)
    assert model is not None
    if model.analysis != new.analysis:
        raise FlywheelOfOtherType(str(flywheel), model.arn)
    if flywheel is not None:
        new = replace(new, request={**new.request, FLYWHEEL: flywheel})
    # The request must have a LanguageCode, but it has no effect: the model's own language is used.
    return replace(new, model=model.use, language=None if new.language is None else model.language)


def _documents(config: Mapping[str, Any], tags: Mapping[str, str], custom: bool) -> dict[str, Any]:
    """Return the members that say how documents of other formats than text are read; none for text only."""
    found: dict[str, Any] = {}
    if (wanted := documents_requested(tags)) is not None:
        found[DOCUMENTS] = wanted
    reader = config.get(READER)
    if reader:
        if not custom:
            raise ReaderConfigNotSupported
        check_reader(reader)
        found[READER] = dict(reader)
    if found and config.get("InputFormat") != "ONE_DOC_PER_FILE":
        raise DocumentsPerFileOnly("DocumentReaderConfig" if reader else f"The tag {DOCUMENTS_TAG}")
    return found


def _own_members(kind: JobKind, request: Mapping[str, Any], topics: str) -> dict[str, Any]:
    members = {member: request.get(member) or default for member, default in kind.own.items()}
    if members.get(TARGETS):
        # A type that is named twice is looked for once, and the list stays short.
        members[TARGETS] = list(dict.fromkeys(members[TARGETS]))
    # The server chooses the method, and a job keeps the one that it was submitted with.
    return members | {"Engine": topics} if kind.name == "topics" else members


def _custom_model(kind: JobKind, request: Mapping[str, Any]) -> CustomModel | None:
    """Return the custom model that does the work, or ``None`` if a built-in engine does."""
    if kind.model is None:
        return None
    model, flywheel = request.get(kind.model.member), request.get("FlywheelArn")
    if model and flywheel:
        raise BothModelAndFlywheel(kind.model.member)
    if not model and not flywheel and not kind.engines:
        raise NeitherModelNorFlywheel(kind.start, kind.model.member)
    return kind.model if model or flywheel else None
