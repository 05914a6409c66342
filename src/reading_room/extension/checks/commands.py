"""AWS CLI commands that fix what a check found. Every word from a request is quoted."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.comprehend.network.actions import SERVICE_PRINCIPAL

POLICY_NAME = "reading-room-jobs"
"""The name of the inline policy that the commands add to a role."""


def run(*words: str) -> str:
    """Return a command line."""
    return " ".join(shlex.quote(word) for word in words)


def document(*statements: Mapping[str, Any]) -> str:
    """Return a policy as JSON text on one line."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def name_of(role_arn: str) -> str:
    """Return a role's name."""
    return role_arn.rpartition("/")[2]


def trust(account: str) -> str:
    """Return the trust policy that lets the service assume a role for jobs of one account."""
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    principal = {"Service": SERVICE_PRINCIPAL}
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition})


def create_role(role_arn: str, account: str) -> str:
    """Return the command that creates a role for jobs."""
    name = name_of(role_arn)
    return run("aws", "iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust(account))


def trust_service(role_arn: str, account: str) -> str:
    """Return the command that makes a role trust only the service."""
    name = name_of(role_arn)
    return run("aws", "iam", "update-assume-role-policy", "--role-name", name, "--policy-document", trust(account))


def own_name(name: str, resources: Sequence[str]) -> str:
    """Return a policy name that depends on the resources, so that the policy for an earlier job is not replaced."""
    if list(resources) == ["*"]:
        return name
    return f"{name}-{hashlib.sha256(json.dumps(list(resources)).encode()).hexdigest()[:8]}"


def allow_role(role_arn: str, actions: Sequence[str], resources: Sequence[str], name: str = POLICY_NAME) -> str:
    """Return the command that adds an inline policy to a role."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return run(
        "aws", "iam", "put-role-policy", "--role-name", name_of(role_arn), "--policy-name", own_name(name, resources),
        "--policy-document", document(statement),
    )  # fmt: skip


def explain(request_id: str) -> str:
    """Return the command that explains a denial."""
    return run("aws", "reading-room", "explain-request", "--request-id", request_id)
