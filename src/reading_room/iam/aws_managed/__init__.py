"""The AWS managed policies that concern the services of this product: read-only data, one JSON file each.

A file holds facts: the policy's real id, and the number and dates of its current version. Description and statement are
our own: the statement allows exactly those actions of this product that AWS's policy allows. Earlier versions are not
included.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from reading_room.arns import iam_arn

OWNER = "aws"
"""Takes the place of the account in the ARNs of AWS managed policies."""


@dataclass(frozen=True, slots=True)
class AwsPolicyVersion:
    """The current version of an AWS managed policy."""

    number: int
    document: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AwsManagedPolicy:
    """An AWS managed policy, with the attributes of the row of a customer managed policy."""

    unique_id: str
    name: str
    description: str
    created_at: dt.datetime
    versions: tuple[AwsPolicyVersion, ...]
    path: str = "/"
    tags: str = "[]"

    @property
    def arn(self) -> str:
        """The ARN, the same in every account."""
        return iam_arn(OWNER, f"policy{self.path}{self.name}")

    @property
    def default_version(self) -> int:
        """The number of the current version."""
        return self.versions[-1].number

    @property
    def updated_at(self) -> dt.datetime:
        """When the current version was created."""
        return self.versions[-1].created_at


def _load(text: str, name: str) -> AwsManagedPolicy:
    data = json.loads(text)
    version = AwsPolicyVersion(
        int(data["DefaultVersionId"].removeprefix("v")),
        json.dumps(data["Document"], indent=2),
        dt.datetime.fromisoformat(data["UpdateDate"]),
    )
    created = dt.datetime.fromisoformat(data["CreateDate"])
    return AwsManagedPolicy(data["PolicyId"], name, data["Description"], created, (version,))


def _read() -> dict[str, AwsManagedPolicy]:
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".json")]
    policies = [_load(file.read_text("utf-8"), file.name.removesuffix(".json")) for file in files]
    return {policy.arn: policy for policy in sorted(policies, key=lambda policy: policy.name)}


AWS_MANAGED: Mapping[str, AwsManagedPolicy] = _read()
"""By ARN."""
