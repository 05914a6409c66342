"""The organization of the installation's accounts, as decisions see it: whose policies limit a request, and its keys.

Reading Room's package ``organizations`` implements it. AWS sources: "Service control policies" and "Resource control
policies" (AWS Organizations user guide), "AWS global condition context keys" (IAM user guide).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reading_room.aws.call import Principal
from reading_room.aws.operations import ContextValues
from reading_room.iam.policy.evaluate import AttachedPolicy

GUARDED = frozenset(
    (
        *("aoss", "cognito-identity", "cognito-idp", "dynamodb", "ecr", "kms"),
        *("logs", "s3", "secretsmanager", "sqs", "sts"),
    )
)
"""The services, by prefix of their actions, whose resources have resource control policies."""
_UNGUARDED = frozenset({"kms:retiregrant"})
"""Actions of these services that resource control policies do not concern."""


@dataclass(frozen=True, slots=True)
class Place:
    """An account in the organization."""

    principal_keys: ContextValues
    """The condition keys of requests of the account's principals, and so on for the other three."""
    resource_keys: ContextValues
    source_keys: ContextValues
    endpoint_keys: ContextValues
    limits: tuple[AttachedPolicy, ...]
    """The service control policies on the path from the root to the account; empty for the management account."""
    guards: tuple[AttachedPolicy, ...]
    """The resource control policies on that path; empty for the management account."""


class Organization(Protocol):
    """An organization at one moment."""

    def place(self, account: str) -> Place | None:
        """Return the place of an account, or ``None`` if it does not belong to the organization."""
        ...

    def named(self, arns: Sequence[str]) -> tuple[tuple[str, ...], ContextValues]:
        """Return the full ARNs of the organization's resources that a call names, and the condition keys of these."""
        ...


Organizations = Callable[[], Organization | None]
"""Returns the organization as it is now, or ``None`` if there is none."""
SHORT_ARN = "arn:aws:organizations:::"
"""Begins the ARN of a resource of the organization in an operation's facts, without its account and organization."""


def no_organization() -> None:
    """Return no organization."""


def limits_of(organization: Organization, principal: Principal) -> tuple[AttachedPolicy, ...]:
    """Return the service control policies that limit a caller. They limit neither services nor strangers."""
    if principal.kind in ("service", "anonymous"):
        return ()
    place = organization.place(principal.account)
    return () if place is None else place.limits


def guards_of(organization: Organization, action: str, resource_account: str) -> tuple[AttachedPolicy, ...]:
    """Return the resource control policies of a resource's account for an action. They bind services too."""
    lowered = action.lower()
    if lowered.partition(":")[0] not in GUARDED or lowered in _UNGUARDED:
        return ()
    place = organization.place(resource_account)
    return () if place is None else place.guards


def organization_keys(
    organization: Organization, principal: Principal, context: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    """Return the keys of a request that the organization adds: those of its caller, resource, source and endpoint.

    ``context`` must have ``aws:ResourceAccount``, and ``aws:SourceAccount`` and ``aws:VpceAccount`` where they apply.
    """
    keys: dict[str, Sequence[str]] = {}
    if principal.kind not in ("service", "anonymous") and (place := organization.place(principal.account)):
        keys.update(place.principal_keys)
    for name, attribute in _BY_ACCOUNT:
        for account in context.get(name, ()):
            if place := organization.place(account):
                keys.update(getattr(place, attribute))
    return keys


_BY_ACCOUNT = (
    ("aws:ResourceAccount", "resource_keys"),
    ("aws:SourceAccount", "source_keys"),
    ("aws:VpceAccount", "endpoint_keys"),
)
"""The keys with an account, and which keys of its place a request has because of it."""
