"""The smallest valid parameters of any operation, made up from botocore's model."""

from __future__ import annotations

import json
from typing import Any

from reading_room.aws.models import operation_model

ACCOUNT, REGION = "111122223333", "us-east-1"
DIGITS = "0123456789abcdef0"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
CLASSIFIER = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier/none"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": "comprehend.amazonaws.com"}, "Action": "sts:AssumeRole"},
}
IDENTITY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}

_IDS = {
    "AllocationId": "eipalloc",
    "AssociationId": "rtbassoc",
    "AttachmentId": "eni-attach",
    "DhcpOptionsId": "dopt",
    "FlowLogId": "fl",
    "GroupId": "sg",
    "InstanceId": "i",
    "InternetGatewayId": "igw",
    "NatGatewayId": "nat",
    "NetworkInsightsAnalysisId": "nia",
    "NetworkInsightsPathId": "nip",
    "NetworkInterfaceId": "eni",
    "NetworkInterfacePermissionId": "eni-perm",
    "PrefixListId": "pl",
    "ResourceId": "vpc",
    "Resource": "vpc",
    "RouteTableId": "rtb",
    "SecurityGroupRuleId": "sgr",
    "SubnetId": "subnet",
    "VpcEndpointId": "vpce",
    "VpcId": "vpc",
}
FLYWHEEL = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:flywheel/none"
_VALUES: dict[str, Any] = {
    "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "AccountAlias": "an-alias",
    "ActionNames": ["s3:GetObject"],
    "AliasName": "alias/none",
    "AssumeRolePolicyDocument": json.dumps(TRUST),
    "CidrBlock": "10.0.0.0/16",
    "CopySource": "papers/key",
    "DataAccessRoleArn": ROLE,
    "DataLakeS3Uri": "s3://papers/lake",
    "DatasetArn": f"{FLYWHEEL}/dataset/none",
    "DocumentClassifierArn": CLASSIFIER,
    "EndpointArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:document-classifier-endpoint/none",
    "EntityRecognizerArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entity-recognizer/none",
    "FlywheelArn": FLYWHEEL,
    "FlywheelIterationId": "20260101T000000Z",
    "InputDataConfig": {"S3Uri": "s3://papers/in/"},
    "JobId": "0123456789abcdef0123456789abcdef",
    "LanguageCode": "en",
    "OutputDataConfig": {"S3Uri": "s3://papers/out/"},
    "PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess",
    "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/none",
    "PolicyDocument": json.dumps(IDENTITY),
    "PolicyInputList": [json.dumps(IDENTITY)],
    "PolicySourceArn": ROLE,
    "ResourceArn": CLASSIFIER,
    "ResourcePolicy": json.dumps(TRUST),
    "RoleArn": ROLE,
    "S3Uri": "s3://papers/in/a.csv",
    "SourceModelArn": CLASSIFIER,
    "VersionId": "v1",
    "resourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:none",
}
_OF_OPERATIONS: dict[str, dict[str, Any]] = {
    "CreateDataset": {
        "InputDataConfig": {"DocumentClassifierInputDataConfig": {"S3Uri": "s3://papers/in/a.csv"}},
    },
    "CreateFlywheel": {
        "ModelType": "DOCUMENT_CLASSIFIER",
        "TaskConfig": {"LanguageCode": "en", "DocumentClassificationConfig": {"Mode": "MULTI_CLASS"}},
    },
    "CreateEntityRecognizer": {
        "InputDataConfig": {
            "EntityTypes": [{"Type": "ENGINEER"}],
            "Documents": {"S3Uri": "s3://papers/in/a.txt"},
            "Annotations": {"S3Uri": "s3://papers/in/a.csv"},
        }
    },
    "CreateGrant": {"GranteePrincipal": ROLE},
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "StartDocumentClassificationJob": {"DocumentClassifierArn": CLASSIFIER},
    "StartEventsDetectionJob": {"TargetEventTypes": ["IPO"]},
    "StartPiiEntitiesDetectionJob": {"Mode": "ONLY_OFFSETS"},
    "CreateSubnet": {"CidrBlock": "10.0.0.0/24"},
    "PutBucketVersioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "PutLogEvents": {"logEvents": [{"timestamp": 1_790_000_000_000, "message": "x"}]},
    "DeleteTestAccount": {"AccountId": "000000000002"},
}
"""Parameters that the rules require beyond the model."""
_OF_ORGANIZATIONS = {
    "AccountId": "000000000002",
    "ChildId": "000000000002",
    "Content": json.dumps(IDENTITY),
    "CreateAccountRequestId": "car-0123456789abcdef",
    "DestinationParentId": "ou-ab12-0123456789",
    "Email": "nobody@example.com",
    "HandshakeId": "h-0123456789abcdef",
    "OrganizationalUnitId": "ou-ab12-0123456789",
    "ParentId": "r-ab12",
    "PolicyId": "p-0123456789",
    "ResourceId": "r-ab12",
    "RootId": "r-ab12",
    "SourceParentId": "r-ab12",
    "Target": {"Id": "000000000002", "Type": "ACCOUNT"},
    "TargetId": "r-ab12",
}
"""Parameters of AWS Organizations, whose ids have patterns."""


def minimal(service: str, operation: str) -> dict[str, Any]:
    """Return parameters that the model accepts, with made-up names and ids of things that do not exist."""
    model = operation_model(service, operation)
    assert model is not None
    shape = model.input_shape
    if shape is None:
        return {}
    given = {name: value(name, shape.members[name]) for name in shape.required_members}
    if service == "organizations":
        return given | {name: _OF_ORGANIZATIONS[name] for name in given if name in _OF_ORGANIZATIONS}
    return given | _OF_OPERATIONS.get(operation, {})


def value(name: str, shape: Any) -> Any:
    """Return a value that the model accepts for a member."""
    if name in _VALUES:
        return _VALUES[name]
    singular = name.removesuffix("s")
    match shape.type_name:
        case "list":
            return [value(singular, shape.member)]
        case "structure":
            members = shape.required_members or list(shape.members)[:1]
            return {member: value(member, shape.members[member]) for member in members}
        case "map":
            return {"key": value("", shape.value)}
        case "integer" | "long" | "float" | "double":
            return int(shape.metadata.get("min", 1))
        case "boolean":
            return True
        case "timestamp":
            return "2026-01-01T00:00:00Z"
        case "blob":
            return b"x"
        case _:
            if name in _IDS or singular in _IDS:
                return f"{_IDS.get(name) or _IDS[singular]}-{DIGITS}"
            return shape.enum[0] if getattr(shape, "enum", None) else "x" * max(1, int(shape.metadata.get("min", 1)))
