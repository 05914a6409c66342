"""ARNs of the organization's resources. AWS source: "Actions, resources, and condition keys for AWS Organizations"."""

from __future__ import annotations

from dataclasses import dataclass

from reading_room.iam.organization import SHORT_ARN
from reading_room.organizations.kinds import AWS_POLICIES
from reading_room.organizations.tables import Organization


@dataclass(frozen=True, slots=True)
class Arns:
    """Makes the ARNs of one organization's resources."""

    management: str
    """The management account."""
    organization_id: str

    @classmethod
    def of(cls, found: Organization) -> Arns:
        """Return those of an organization."""
        return cls(found.account, found.organization_id)

    def organization(self) -> str:
        """Return the organization's."""
        return f"arn:aws:organizations::{self.management}:organization/{self.organization_id}"

    def root(self, root_id: str) -> str:
        """Return the root's."""
        return self._arn("root", root_id)

    def unit(self, unit_id: str) -> str:
        """Return a unit's."""
        return self._arn("ou", unit_id)

    def account(self, account: str) -> str:
        """Return an account's."""
        return self._arn("account", account)

    def handshake(self, handshake_id: str) -> str:
        """Return an invitation's."""
        return self._arn("handshake", f"invite/{handshake_id}")

    def policy(self, kind: str, policy_id: str) -> str:
        """Return a policy's. AWS's own belong to no account and organization."""
        if policy_id in AWS_POLICIES:
            return f"arn:aws:organizations::aws:policy/{kind.lower()}/{policy_id}"
        return self._arn("policy", f"{kind.lower()}/{policy_id}")

    def target(self, target_id: str) -> str:
        """Return the ARN of a root, unit or account."""
        if target_id.startswith("r-"):
            return self.root(target_id)
        return self.unit(target_id) if target_id.startswith("ou-") else self.account(target_id)

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:organizations::{self.management}:{kind}/{self.organization_id}/{name}"


def short(resource_id: str) -> str:
    """Return how the facts of an operation name a resource (``iam.organization.SHORT_ARN``)."""
    return SHORT_ARN + resource_id
