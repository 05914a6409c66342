"""The calls that add what a check found missing, for the caller to make with their own permissions.

No call removes anything. A change of an existing policy is only the statement to add, since the caller may not be
allowed to read the policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reading_room.arns import bucket_arn
from reading_room.extension.checks import commands

_THROUGH_ENDPOINT = (
    "s3:GetObject",
    "s3:PutObject",
    "s3:ListBucket",
    "s3:GetBucketLocation",
    "s3:DeleteObject",
    "s3:ListMultipartUploadParts",
    "s3:AbortMultipartUpload",
)
"""The actions that Amazon's guide lists for endpoints of jobs ("Protect jobs by using a VPC", Comprehend)."""
_OF_MODELS = ("s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload")


@dataclass(frozen=True, slots=True)
class Change:
    """One call. With a statement, the request lacks the policy: the existing policy with the statement added."""

    service: str
    operation: str
    request: Mapping[str, Any]
    statement: Mapping[str, Any] = field(default_factory=dict)

    def structure(self) -> dict[str, str]:
        """Return the API's structure for the change."""
        structure = {"Service": self.service, "Operation": self.operation, "Request": json.dumps(self.request)}
        return {**structure, "Statement": json.dumps(self.statement)} if self.statement else structure


def create_role(role_arn: str, account: str) -> Change:
    """Return the change that creates a role that trusts the service for jobs of one account."""
    request = {"RoleName": commands.name_of(role_arn), "AssumeRolePolicyDocument": commands.trust(account)}
    return Change("iam", "CreateRole", request)


def trust_service(role_arn: str, account: str) -> Change:
    """Return the change that makes a role trust the service, in addition to its present trust policy."""
    (statement,) = json.loads(commands.trust(account))["Statement"]
    return Change("iam", "UpdateAssumeRolePolicy", {"RoleName": commands.name_of(role_arn)}, statement)


def allow_role(role_arn: str, actions: Sequence[str], resources: Sequence[str], name: str) -> Change:
    """Return the change that adds an inline policy to a role, with a unique name that begins with ``name``."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    request = {
        "RoleName": commands.name_of(role_arn),
        "PolicyName": commands.own_name(name, resources),
        "PolicyDocument": commands.document(statement),
    }
    return Change("iam", "PutRolePolicy", request)


def through_endpoint(endpoint_id: str, account: str, buckets: Sequence[str], models: str | None) -> tuple[Change, ...]:
    """Return the changes that let jobs of an account reach buckets, and the service its models, through an endpoint."""
    statements: list[dict[str, Any]] = []
    if buckets:
        resources = [arn for bucket in buckets for arn in (bucket_arn(bucket), bucket_arn(bucket, "*"))]
        own = {"StringEquals": {"aws:PrincipalAccount": account}}
        statements.append(_let(_THROUGH_ENDPOINT, resources) | {"Condition": own})
    if models is not None:
        # The service principal has no account that a condition could match.
        statements.append(_let(_OF_MODELS, [bucket_arn(models, f"{account}/*")]))
    request = {"VpcEndpointId": endpoint_id}
    return tuple(Change("ec2", "ModifyVpcEndpoint", request, statement) for statement in statements)


def _let(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": list(actions), "Resource": list(resources)}


def group_rule(group_id: str, direction: str, first: int, last: int, peer: Mapping[str, Any]) -> Change:
    """Return the change that adds a TCP rule to a security group. ``direction`` is Ingress or Egress."""
    permission = {"IpProtocol": "tcp", "FromPort": first, "ToPort": last, **peer}
    return Change("ec2", f"AuthorizeSecurityGroup{direction}", {"GroupId": group_id, "IpPermissions": [permission]})
