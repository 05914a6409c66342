"""The two kinds of policies that an organization has here, their limits, and AWS's own policy of each.

AWS sources: "Quotas and service limits", "SCP syntax" and "RCP syntax" (AWS Organizations user guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reading_room.iam.policy.document import PolicyDocumentError, PolicyUse, parse
from reading_room.organizations.errors import ConstraintViolation, MalformedPolicyDocument, TypeNotAvailable

Kind = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"]
SERVICE_CONTROL: Kind = "SERVICE_CONTROL_POLICY"
RESOURCE_CONTROL: Kind = "RESOURCE_CONTROL_POLICY"
PER_TARGET = 5
"""The most policies of a kind on a root, unit or account, including AWS's own."""
CHARACTERS = 5_120
"""The most characters in a policy, including white space."""


@dataclass(frozen=True, slots=True)
class AwsPolicy:
    """A policy that AWS attaches everywhere when its kind is enabled. Nobody can change or delete it."""

    policy_id: str
    kind: Kind
    name: str
    description: str
    content: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What distinguishes the two kinds."""

    use: PolicyUse
    most: int
    """The most policies of the kind in an organization."""
    default: AwsPolicy
    removable: bool
    """Whether the default policy can be detached."""


_FULL = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",%s"Action":"*","Resource":"*"}]}'
KINDS: Mapping[str, Facts] = {
    SERVICE_CONTROL: Facts(
        "scp",
        10_000,
        AwsPolicy("p-FullAWSAccess", SERVICE_CONTROL, "FullAWSAccess", "Allows access to every operation", _FULL % ""),
        True,
    ),
    RESOURCE_CONTROL: Facts(
        "rcp",
        1_000,
        AwsPolicy(
            "p-RCPFullAWSAccess",
            RESOURCE_CONTROL,
            "RCPFullAWSAccess",
            "Allows access to every resource",
            _FULL % '"Principal":"*",',
        ),
        False,
    ),
}
AWS_POLICIES: Mapping[str, AwsPolicy] = {facts.default.policy_id: facts.default for facts in KINDS.values()}
"""By their ids."""


def kind_named(name: str) -> Kind:
    """Return the kind that a call names. Raises ``TypeNotAvailable`` for one that is not supported."""
    if name == SERVICE_CONTROL:
        return SERVICE_CONTROL
    if name == RESOURCE_CONTROL:
        return RESOURCE_CONTROL
    raise TypeNotAvailable(name)


def check_content(kind: Kind, content: str) -> None:
    """Raise ``ConstraintViolation`` or ``MalformedPolicyDocument`` unless a text can be a policy of a kind."""
    if len(content) > CHARACTERS:
        raise ConstraintViolation("POLICY_CONTENT_LIMIT_EXCEEDED")
    try:
        policy = parse(content, KINDS[kind].use, new=True)
    except PolicyDocumentError as error:
        raise MalformedPolicyDocument(str(error)) from None
    if kind != RESOURCE_CONTROL:
        return
    for statement in policy.statements:
        if statement.effect != "Deny":
            raise MalformedPolicyDocument(f"{statement.name}: the effect must be Deny.")
        if "*" in statement.action_texts:
            raise MalformedPolicyDocument(f"{statement.name}: the action * needs the prefix of a service.")
