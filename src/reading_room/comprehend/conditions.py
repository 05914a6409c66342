"""The resources and condition keys of Comprehend's operations for their authorization."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reading_room.analysis.kind import JobKind
from reading_room.aws.call import Call
from reading_room.aws.operations import ContextValues
from reading_room.comprehend.endpoints.endpoints import endpoint_arn
from reading_room.comprehend.flywheels.flywheels import flywheel_arn
from reading_room.comprehend.models.errors import ResourceNotFoundException
from reading_room.comprehend.models.models import MODEL_KINDS, ModelKind, kind_of_arn, model_arn
from reading_room.comprehend.vpc_tag import known_network


def job_arn(region: str, account: str, kind: JobKind, job_id: str) -> str:
    """Return the ARN of a job; ``*`` as the id stands for a job that does not exist yet."""
    return f"arn:aws:comprehend:{region}:{account}:{kind.arn_type}/{job_id}"


def new_job(kind: JobKind) -> Callable[[Call], Sequence[str]]:
    """Return the resources of an operation that creates a job: the job, without an id yet, and any custom model."""

    def resources(call: Call) -> Sequence[str]:
        members = () if kind.model is None else (kind.model.member, "FlywheelArn")
        models = [call.parameters.get(member) for member in members]
        return (job_arn(call.region, call.account, kind, "*"), *(model for model in models if model))

    return resources


def existing_job(kind: JobKind) -> Callable[[Call], Sequence[str]]:
    """Return the resource of an operation on an existing job, which JobId names."""

    def resources(call: Call) -> Sequence[str]:
        return (job_arn(call.region, call.account, kind, str(call.parameters["JobId"])),)

    return resources


def new_model(kind: ModelKind) -> Callable[[Call], Sequence[str]]:
    """Return the resource of an operation that creates a model, whose ARN has its name and version."""

    def resources(call: Call) -> Sequence[str]:
        name, version = str(call.parameters[kind.name_member]), call.parameters.get("VersionName") or None
        return (model_arn(call.region, call.account, kind, name, version),)

    return resources


def existing_model(kind: ModelKind) -> Callable[[Call], Sequence[str]]:
    """Return the resource of an operation on an existing model, which its ARN names."""

    def resources(call: Call) -> Sequence[str]:
        return (str(call.parameters[kind.arn_member]),)

    return resources


def source_model(call: Call) -> Sequence[str]:
    """Return the resource of ImportModel: the model to import."""
    return (str(call.parameters["SourceModelArn"]),)


def new_endpoint(call: Call) -> Sequence[str]:
    """Return the resources of CreateEndpoint: the endpoint, whose type follows from its model, and the model."""
    model, flywheel = call.parameters.get("ModelArn"), call.parameters.get("FlywheelArn")
    try:
        kinds = [kind_of_arn(str(model))]
    except ResourceNotFoundException:
        kinds = list(MODEL_KINDS.values())
    name = str(call.parameters["EndpointName"])
    endpoints = [endpoint_arn(call.region, call.account, kind, name) for kind in kinds]
    return (*endpoints, *(str(each) for each in (model, flywheel) if each))


def existing_endpoint(call: Call) -> Sequence[str]:
    """Return the resource of an operation on an existing endpoint, which its ARN names."""
    return (str(call.parameters["EndpointArn"]),)


def updated_endpoint(call: Call) -> Sequence[str]:
    """Return the resources of UpdateEndpoint: the endpoint, and the model or flywheel that it should use."""
    used = (call.parameters.get("DesiredModelArn"), call.parameters.get("FlywheelArn"))
    return (*existing_endpoint(call), *(str(each) for each in used if each))


def new_flywheel(call: Call) -> Sequence[str]:
    """Return the resources of CreateFlywheel: the flywheel, and the model that it begins with."""
    flywheel = flywheel_arn(call.region, call.account, str(call.parameters["FlywheelName"]))
    return (flywheel, *_given(call.parameters.get("ActiveModelArn")))


def existing_flywheel(call: Call) -> Sequence[str]:
    """Return the resource of an operation on a flywheel, which its ARN names, or ``*`` without one."""
    return tuple(_given(call.parameters.get("FlywheelArn"))) or ("*",)


def updated_flywheel(call: Call) -> Sequence[str]:
    """Return the resources of UpdateFlywheel: the flywheel, and the model that should be active."""
    return (*existing_flywheel(call), *_given(call.parameters.get("ActiveModelArn")))


def new_dataset(call: Call) -> Sequence[str]:
    """Return the resources of CreateDataset: the flywheel and the dataset."""
    flywheel = str(call.parameters["FlywheelArn"])
    return (flywheel, f"{flywheel}/dataset/{call.parameters['DatasetName']}")


def existing_dataset(call: Call) -> Sequence[str]:
    """Return the resource of DescribeDataset."""
    return (str(call.parameters["DatasetArn"]),)


def named_resource(call: Call) -> Sequence[str]:
    """Return the resource that ResourceArn names."""
    return (str(call.parameters["ResourceArn"]),)


def start_context(call: Call) -> ContextValues:
    """Return the condition keys of a Start or Create call, without those for which the request has no value.

    Administrators use them to require a VPC, certain subnets and groups, keys, or tags.
    """
    parameters = call.parameters
    network = known_network(call.operation, parameters)
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


def security_context(call: Call) -> ContextValues:
    """Return the condition keys of CreateFlywheel and UpdateFlywheel, as ``start_context`` does."""
    security = call.parameters.get("DataSecurityConfig") or {}
    network = security.get("VpcConfig") or {}
    values: dict[str, Sequence[str]] = {
        **start_context(call),
        "comprehend:VpcSubnets": tuple(network.get("Subnets", ())),
        "comprehend:VpcSecurityGroupIds": tuple(network.get("SecurityGroupIds", ())),
        "comprehend:VolumeKmsKey": _one(security.get("VolumeKmsKeyId")),
        "comprehend:ModelKmsKey": _one(security.get("ModelKmsKeyId")),
    }
    return {key: value for key, value in values.items() if value}


def iteration_context(call: Call) -> ContextValues:
    """Return the condition key of DescribeFlywheelIteration."""
    return {"comprehend:FlywheelIterationId": (str(call.parameters["FlywheelIterationId"]),)}


def tag_context(call: Call) -> ContextValues:
    """Return the condition keys of TagResource and UntagResource."""
    tags = call.parameters.get("Tags") or ()
    keys = tuple(call.parameters.get("TagKeys") or ()) or tuple(tag["Key"] for tag in tags)
    requested = {f"aws:RequestTag/{tag['Key']}": (tag.get("Value", ""),) for tag in tags}
    return {"aws:TagKeys": keys, **requested} if keys else {}


def _given(value: str | None) -> Sequence[str]:
    return () if value is None else (str(value),)


def _one(value: str | None) -> Sequence[str]:
    return () if value is None else (value,)
