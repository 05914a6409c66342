"""AWS's own managed policies, as far as they concern the services here: read-only data, one JSON file each.

A file has the policy's real id, the number and date of its current version, and its statements. ReadOnlyAccess is
cut to the services that are here; the others are whole. Only the current version is known.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from reading_room.arns import iam_arn

OWNER = "aws"
"""Stands in ARNs where a customer's policy has its account."""


@dataclass(frozen=True, slots=True)
class AwsPolicyVersion:
    """The one known version of a policy of AWS's."""

    number: int
    document: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class AwsManagedPolicy:
    """A policy of AWS's, with the attributes of the row of a customer's."""

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
        """When the current version was made."""
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
