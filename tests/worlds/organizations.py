"""Accounts of an installation with IAM, STS and Organizations, in one process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.server import AwsApplication
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.bonds import Bonds
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.sts import StsOperations
from reading_room.iam.operations.table import iam_operations
from reading_room.organizations.operations.table import organization_operations
from reading_room.organizations.view import CurrentOrganization
from tests.worlds.iam import ACCOUNT, REGION, IamWorld

MEMBER = "444455556666"
FULL = "p-FullAWSAccess"


class OrganizationWorld(IamWorld):
    """The first account, whose administrator can create the organization, and further accounts on demand."""

    def __init__(self, folder: Path, profile: Any = "open") -> None:
        """``profile`` is that of the quotas."""
        self.prepared: list[str] = []
        """The accounts that the organization created."""
        self._profile = profile
        super().__init__(folder)
        self.organizations = self.client("organizations")

    def _application(self, database: Database, uses: KeyUses, implementations: tuple[object, ...]) -> AwsApplication:
        self.current = CurrentOrganization(database)
        self.authorizer = PolicyAuthorizer(
            database=database,
            region=REGION,
            clock=self.clock,
            bonds=Bonds(enforced=False),
            organization=self.current,
        )
        table = OperationTable(
            *iam_operations(database, self.clock, uses, self.current),
            StsOperations(database, self.authorizer, self.clock),
            *organization_operations(database, self.clock, first=ACCOUNT, profile=self._profile, prepare=self._prepare),
        )
        dispatcher = Dispatcher(table=table, authorizer=self.authorizer)
        return AwsApplication(
            dispatcher, StoredCredentials(database), _no_s3, region=REGION, clock=self.clock, trail=uses.take
        )

    def _prepare(self, session: Session, account: str) -> None:
        self.prepared.append(account)

    def organization(self) -> str:
        """Create the organization, with resource control policies too; return the root's id."""
        self.organizations.create_organization()
        root: str = self.organizations.list_roots()["Roots"][0]["Id"]
        self.organizations.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
        return root

    def member(self, account: str = MEMBER) -> Callable[[Any], Any]:
        """Make an account that joins the organization, and return what makes clients of its administrator."""
        clients = self.account(account)
        invited = self.organizations.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})
        clients("organizations").accept_handshake(HandshakeId=invited["Handshake"]["Id"])
        return clients

    def unit(self, parent: str, name: str) -> str:
        """Create a unit and return its id."""
        made = self.organizations.create_organizational_unit(ParentId=parent, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def policy(self, name: str, *statements: dict[str, Any], kind: str = "SERVICE_CONTROL_POLICY") -> str:
        """Create a policy and return its id."""
        content = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        made = self.organizations.create_policy(Name=name, Description="", Type=kind, Content=content)
        return str(made["Policy"]["PolicySummary"]["Id"])

    def attach(self, target: str, name: str, *statements: dict[str, Any], kind: str = "SERVICE_CONTROL_POLICY") -> str:
        """Create a policy, attach it to a target, and return its id."""
        policy_id = self.policy(name, *statements, kind=kind)
        self.organizations.attach_policy(PolicyId=policy_id, TargetId=target)
        return policy_id


async def _no_s3(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body", "body": b""})
