"""What Comprehend's operations tell policies: resources and condition keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reading_room.analysis.kind import JobKind
from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues
from reading_room.comprehend.models.models import ModelKind, model_arn


def job_arn(region: str, account: str, kind: JobKind, job_id: str) -> str:
    """Return the ARN of a job; ``*`` as the id stands for a job that does not exist yet."""
    return f"arn:aws:comprehend:{region}:{account}:{kind.arn_type}/{job_id}"


def new_job(kind: JobKind) -> Callable[[Call], Sequence[str]]:
    """Say that the operation makes a job, whose id nobody knows yet; a custom model is a resource of its own."""

    def resources(call: Call) -> Sequence[str]:
        members = () if kind.model is None else (kind.model.member, "FlywheelArn")
        models = [call.parameters.get(member) for member in members]
        return (job_arn(call.region, call.account, kind, "*"), *(model for model in models if model))

    return resources


def existing_job(kind: JobKind) -> Callable[[Call], Sequence[str]]:
    """Say that the operation is about the job of its JobId."""

    def resources(call: Call) -> Sequence[str]:
        return (job_arn(call.region, call.account, kind, str(call.parameters["JobId"])),)

    return resources


def new_model(kind: ModelKind) -> Callable[[Call], Sequence[str]]:
    """Say that the operation makes a model, whose name and version are its ARN."""

    def resources(call: Call) -> Sequence[str]:
        name, version = str(call.parameters[kind.name_member]), call.parameters.get("VersionName") or None
        return (model_arn(call.region, call.account, kind, name, version),)

    return resources


def existing_model(kind: ModelKind) -> Callable[[Call], Sequence[str]]:
    """Say that the operation is about the model of its ARN."""

    def resources(call: Call) -> Sequence[str]:
        return (str(call.parameters[kind.arn_member]),)

    return resources


def source_model(call: Call) -> Sequence[str]:
    """Say that the operation is about the model that is imported."""
    return (str(call.parameters["SourceModelArn"]),)


def named_resource(call: Call) -> Sequence[str]:
    """Say that the operation is about its ResourceArn."""
    return (str(call.parameters["ResourceArn"]),)


def start_context(call: Call) -> ContextValues:
    """Return the condition keys of a Start or Create call; a key that the request has no value for is absent.

    With them an administrator demands a VPC, certain subnets and groups, keys, or tags.
    """
    parameters = call.parameters
    network = parameters.get("VpcConfig") or {}
    tags = parameters.get("Tags") or ()
    values: dict[str, Sequence[str]] = {
        "comprehend:VpcSubnets": tuple(network.get("Subnets", ())),
        "comprehend:VpcSecurityGroupIds": tuple(network.get("SecurityGroupIds", ())),
        "comprehend:VolumeKmsKey": _one(parameters.get("VolumeKmsKeyId")),
        "comprehend:ModelKmsKey": _one(parameters.get("ModelKmsKeyId")),
        "comprehend:OutputKmsKey": _one((parameters.get("OutputDataConfig") or {}).get("KmsKeyId")),
        "aws:TagKeys": tuple(tag["Key"] for tag in tags),
        **{f"aws:RequestTag/{tag['Key']}": (tag.get("Value", ""),) for tag in tags},
    }
    return {key: value for key, value in values.items() if value}


def tag_context(call: Call) -> ContextValues:
    """Return the condition keys of TagResource and UntagResource."""
    tags = call.parameters.get("Tags") or ()
    keys = tuple(call.parameters.get("TagKeys") or ()) or tuple(tag["Key"] for tag in tags)
    requested = {f"aws:RequestTag/{tag['Key']}": (tag.get("Value", ""),) for tag in tags}
    return {"aws:TagKeys": keys, **requested} if keys else {}


def _one(value: str | None) -> Sequence[str]:
    return () if value is None else (value,)
