"""The resources that an event concerns, by type and name, as LookupEvents returns them.

They are found in the parameters and responses by the names of members; members that are not listed here are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, Mapping[str, str]] = {
    "ec2": {
        "vpcId": "AWS::EC2::VPC",
        "subnetId": "AWS::EC2::Subnet",
        "groupId": "AWS::EC2::SecurityGroup",
        "networkInterfaceId": "AWS::EC2::NetworkInterface",
        "routeTableId": "AWS::EC2::RouteTable",
        "vpcEndpointId": "AWS::EC2::VPCEndpoint",
        "internetGatewayId": "AWS::EC2::InternetGateway",
        "natGatewayId": "AWS::EC2::NatGateway",
        "networkAclId": "AWS::EC2::NetworkAcl",
        "allocationId": "AWS::EC2::EIP",
        "dhcpOptionsId": "AWS::EC2::DHCPOptions",
        "flowLogId": "AWS::EC2::FlowLog",
        "prefixListId": "AWS::EC2::PrefixList",
    },
    "iam": {
        "userName": "AWS::IAM::User",
        "roleName": "AWS::IAM::Role",
        "groupName": "AWS::IAM::Group",
        "policyArn": "AWS::IAM::Policy",
        "accessKeyId": "AWS::IAM::AccessKey",
    },
    "sts": {"roleArn": "AWS::IAM::Role", "accessKeyId": "AWS::STS::AccessKey", "arn": "AWS::STS::AssumedRole"},
    "s3": {"bucketName": "AWS::S3::Bucket"},
    "logs": {"logGroupName": "AWS::Logs::LogGroup", "logStreamName": "AWS::Logs::LogStream"},
    "kms": {"keyId": "AWS::KMS::Key", "targetKeyId": "AWS::KMS::Key", "aliasName": "AWS::KMS::Alias"},
    "organizations": {
        "accountId": "AWS::Organizations::Account",
        "organizationalUnitId": "AWS::Organizations::OrganizationalUnit",
        "policyId": "AWS::Organizations::Policy",
    },
    "comprehend": {
        "jobArn": "AWS::Comprehend::Job",
        "documentClassifierArn": "AWS::Comprehend::DocumentClassifier",
        "entityRecognizerArn": "AWS::Comprehend::EntityRecognizer",
        "endpointArn": "AWS::Comprehend::Endpoint",
        "flywheelArn": "AWS::Comprehend::Flywheel",
        "modelArn": "AWS::Comprehend::Model",
        "desiredModelArn": "AWS::Comprehend::Model",
        "dataAccessRoleArn": "AWS::IAM::Role",
        "desiredDataAccessRoleArn": "AWS::IAM::Role",
        "subnets": "AWS::EC2::Subnet",
        "securityGroupIds": "AWS::EC2::SecurityGroup",
    },
}
_FOLLOWED = 4
"""How many levels of a response are searched."""


def subjects(event: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the distinct resources of an event, as ``{"ResourceType": …, "ResourceName": …}``."""
    types = _TYPES.get(str(event.get("eventSource", "")).partition(".")[0], {})
    found: dict[tuple[str, str], None] = {}
    for part in map(event.get, ("requestParameters", "responseElements", "serviceEventDetails")):
        for name, value in _members(part, _FOLLOWED):
            kind = types.get(name)
            if kind is not None:
                found[(kind, value)] = None
    return [{"ResourceType": kind, "ResourceName": name} for kind, name in found]


def _members(value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the string members of a structure and of nested ones; a list of strings yields each of them."""
    if depth == 0 or not isinstance(value, Mapping):
        return
    for name, entry in value.items():
        for each in entry if isinstance(entry, list) else (entry,):
            if isinstance(each, str):
                yield name, each
            else:
                yield from _members(each, depth - 1)
