"""The nine controls of a data perimeter: three perimeters, each for buckets, roles and endpoints.

AWS source: "Building a data perimeter on AWS" (whitepaper), which has six control objectives. The other three controls
ask whether a bucket can be guarded, who assumes a role, and whether a network has another way out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Perimeter = Literal["identities", "resources", "networks"]
Subject = Literal["bucket", "role", "endpoint"]
State = Literal["enforced", "unenforced", "open"]
"""``enforced``: what the control forbids is denied, whatever else is granted. ``unenforced``: it is not granted, but
nothing would deny it. ``open``: it is possible now."""

PERIMETERS: tuple[Perimeter, ...] = ("identities", "resources", "networks")
SUBJECTS: tuple[Subject, ...] = ("bucket", "role", "endpoint")
TITLES: Mapping[tuple[Subject, Perimeter], str] = {
    ("bucket", "identities"): "only trusted identities reach the bucket",
    ("bucket", "resources"): "the bucket belongs to an account that the organization guards",
    ("bucket", "networks"): "the bucket is reached only from expected networks",
    ("role", "identities"): "only trusted identities assume the role",
    ("role", "resources"): "the role reaches only trusted resources",
    ("role", "networks"): "the role works only from expected networks",
    ("endpoint", "identities"): "only trusted identities come through the endpoint",
    ("endpoint", "resources"): "only trusted resources are reached through the endpoint",
    ("endpoint", "networks"): "the endpoint's network has no way to the internet",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """What closes a hole: a statement and where it belongs, or a command."""

    where: str
    """The kind of policy and its place, or what the command does."""
    statement: Mapping[str, Any] | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one control for one bucket, role or endpoint."""

    subject: Subject
    perimeter: Perimeter
    name: str
    """The bucket's name, the role's ARN, or the endpoint's id."""
    account: str
    state: State
    because: str
    """The policy and statement that enforce it, or what is possible."""
    remedy: Remedy | None

    def to_document(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        remedy = self.remedy
        return {
            "control": TITLES[self.subject, self.perimeter],
            "subject": self.subject,
            "perimeter": self.perimeter,
            "name": self.name,
            "account": self.account,
            "state": self.state,
            "because": self.because,
            "remedy": None
            if remedy is None
            else {
                name: value
                for name, value in (
                    ("where", remedy.where),
                    ("statement", None if remedy.statement is None else dict(remedy.statement)),
                    ("command", remedy.command),
                )
                if value is not None
            },
        }


def remedy_of(subject: Subject, perimeter: Perimeter, organization_id: str | None) -> Remedy:
    """Return the statement that closes a control's holes; without an organization, the command that makes one.

    The two controls with commands of their own (``bucket``/``resources``, ``endpoint``/``networks``) have none here.
    """
    if organization_id is None and subject != "endpoint":
        return Remedy("make an organization first", command="aws organizations create-organization")
    where, statement = _STATEMENTS[subject, perimeter]
    return Remedy(where, _filled(statement, organization_id or "ORGANIZATION"))


def _filled(statement: Any, organization_id: str) -> Any:
    if isinstance(statement, dict):
        return {key: _filled(value, organization_id) for key, value in statement.items()}
    if isinstance(statement, list):
        return [_filled(value, organization_id) for value in statement]
    return organization_id if statement == _ORG else statement


_ORG = "ORG"
_RCP, _SCP = "a resource control policy on the root", "a service control policy on the root"
_ENDPOINT = "the endpoint's policy, in place of the statement that lets others in"
_NO_SERVICE = {"aws:PrincipalIsAWSService": "false"}
_STATEMENTS: Mapping[tuple[Subject, Perimeter], tuple[str, dict[str, Any]]] = {
    ("bucket", "identities"): (
        _RCP,
        {
            "Sid": "OnlyTrustedIdentities",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": _ORG}, "BoolIfExists": _NO_SERVICE},
        },
    ),
    ("bucket", "networks"): (
        _RCP,
        {
            "Sid": "OnlyExpectedNetworks",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:VpceOrgID": _ORG},
                "BoolIfExists": {**_NO_SERVICE, "aws:ViaAWSService": "false"},
            },
        },
    ),
    ("role", "identities"): (
        _RCP,
        {
            "Sid": "OnlyTrustedIdentitiesAssume",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sts:AssumeRole",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": _ORG, "aws:SourceOrgID": _ORG},
            },
        },
    ),
    ("role", "resources"): (
        _SCP,
        {
            "Sid": "OnlyTrustedResources",
            "Effect": "Deny",
            "Action": ["s3:*", "sts:AssumeRole"],
            "Resource": "*",
            "Condition": {"StringNotEqualsIfExists": {"aws:ResourceOrgID": _ORG}},
        },
    ),
    ("role", "networks"): (
        _SCP,
        {
            "Sid": "OnlyFromExpectedNetworks",
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:VpceOrgID": _ORG},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            },
        },
    ),
    ("endpoint", "identities"): (
        _ENDPOINT,
        {
            "Sid": "OursToOurs",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": _ORG, "aws:ResourceOrgID": _ORG}},
        },
    ),
}
_STATEMENTS = {**_STATEMENTS, ("endpoint", "resources"): _STATEMENTS["endpoint", "identities"]}
