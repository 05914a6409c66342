"""The policies of an entity that a simulation excludes: ``PolicyExclusionList`` of SimulatePrincipalPolicy.

AWS source: "PolicyIdentifier", IAM API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reading_room.iam.aws_managed import AWS_MANAGED
from reading_room.iam.errors import InvalidInput
from reading_room.iam.identities import OwnedPolicy
from reading_room.iam.policy.patterns import Template

_ARN = re.compile(r"arn:aws:iam::(?:\d{12}|aws):policy/[\x21-\x7e]+")


class Exclusions:
    """The policies that a list of identifiers names. An identifier that matches no policy is not an error."""

    def __init__(self, identifiers: Sequence[Mapping[str, Any]]) -> None:
        """Raises ``InvalidInput`` for an invalid identifier."""
        self._types: set[str] = set()
        self._arns: list[Template] = []
        self._inline: set[tuple[str, str, str]] = set()
        for identifier in identifiers:
            if len(identifier) != 1:
                raise InvalidInput("An entry of PolicyExclusionList must have exactly one member.")
            if "PolicyType" in identifier:
                self._types.add(identifier["PolicyType"])
            elif "PolicyArn" in identifier:
                self._arns.append(_pattern(identifier["PolicyArn"]))
            else:
                named = identifier["InlinePolicyIdentifier"]
                self._inline.add((named["AttachmentType"], named["AttachmentName"], named["PolicyName"]))

    def cover(self, owned: OwnedPolicy) -> bool:
        """Return whether an identity policy is excluded."""
        if owned.inline:
            return "inline" in self._types or (owned.owner.kind, owned.owner.name, owned.name) in self._inline
        kind = "aws-managed" if owned.name in AWS_MANAGED else "user-managed"
        return kind in self._types or any(arn.matches(owned.name, {}) for arn in self._arns)

    @property
    def cover_boundary(self) -> bool:
        """Whether the permissions boundary is excluded. It has a type of its own, since it is not attached."""
        return "permission-boundary" in self._types


def _pattern(arn: str) -> Template:
    if not _ARN.fullmatch(arn) or arn.count("*") > 1:
        raise InvalidInput(f"PolicyExclusionList: {arn} must be a managed policy's ARN, its name with at most one *.")
    return Template.parse(arn)
