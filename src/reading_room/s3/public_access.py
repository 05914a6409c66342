"""Public bucket policies, and what remains of them if public access is restricted.

A statement is public if it allows everybody and no condition fixes the caller or the origin. AWS source: "The meaning
of public", S3 user guide.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

_FIXING = frozenset(
    (
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourceorgid",
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:userid",
        "aws:username",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    )
)
_POSITIVE = frozenset(["stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"])
_BROADEST_PREFIX = 8
"""Prefix bits from which on an ``aws:SourceIp`` range keeps a statement from being public."""


def is_public(text: str) -> bool:
    """Say whether a bucket policy has a public statement. The policy must be known to be valid."""
    return any(
        statement["Effect"] == "Allow" and _everybody(statement) and not _fixed(statement.get("Condition", {}))
        for statement in _statements(json.loads(text))
    )


def may_allow_anonymous(text: str, switches: Mapping[str, bool] | None) -> bool:
    """Say whether a bucket policy might allow anonymous requests, given the switches of Block Public Access.

    Conditions are ignored, so a policy that passes may still deny every anonymous request.
    """
    if (switches or {}).get("RestrictPublicBuckets") and is_public(text):
        return False
    return any(statement["Effect"] == "Allow" and _everybody(statement) for statement in _statements(json.loads(text)))


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    return _listed(document["Statement"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _everybody(statement: dict[str, Any]) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement["Principal"]
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))


def _fixed(block: dict[str, Any]) -> bool:
    return any(
        _fixes(operator.lower(), key.lower(), [str(value) for value in _listed(values)])
        for operator, keys in block.items()
        for key, values in keys.items()
    )


def _fixes(operator: str, key: str, values: list[str]) -> bool:
    # "…IfExists" and "ForAllValues:" hold if the key is absent, so they exclude nobody.
    if operator == "ipaddress" and key == "aws:sourceip":
        return all(_is_narrow(value) for value in values)
    return operator.removeprefix("foranyvalue:") in _POSITIVE and key in _FIXING and all(map(_is_constant, values))


def _is_constant(value: str) -> bool:
    if "${" in value:
        return False
    # The account of an ARN must be fixed. The resource may have wildcards.
    fixed = ":".join(value.split(":", 5)[:5]) if value.startswith("arn:") else value
    return not any(wildcard in fixed for wildcard in "*?")


def _is_narrow(value: str) -> bool:
    try:
        return ipaddress.ip_network(value, strict=False).prefixlen >= _BROADEST_PREFIX
    except ValueError:
        return False


def without_allows(text: str) -> str | None:
    """Return only the denies of a policy, for callers that RestrictPublicBuckets excludes; ``None`` if it has none."""
    document: dict[str, Any] = json.loads(text)
    denies = [statement for statement in _statements(document) if statement["Effect"] != "Allow"]
    return json.dumps({**document, "Statement": denies}) if denies else None
