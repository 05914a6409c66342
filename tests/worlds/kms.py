"""Keys in one process: a database, the wire, clients of users in two accounts, and the loop of keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reading_room.aws.call_record import CallRecord
from reading_room.aws.server import AwsApplication
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.key_uses import KeyUses
from reading_room.kms.access import KeyAccess
from reading_room.kms.granting import Granting
from reading_room.kms.operations.table import kms_operations
from reading_room.kms.service_keys import ServiceKeys
from reading_room.kms.upkeep import KeyUpkeep
from reading_room.kms.use import KeyUse
from tests.worlds.iam import ACCOUNT, REGION, IamWorld, policy

OTHER_ACCOUNT = "444455556666"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
ALL_OF_KMS = policy(action="kms:*")


class KmsWorld(IamWorld):
    """An account with an administrator, and keys. ``now`` changes only when a test changes it."""

    machine_clock = staticmethod(system_clock)

    def __init__(self, folder: Path) -> None:
        self.recorded: list[CallRecord] = []
        """The calls that the product made for services."""
        super().__init__(folder)
        self.kms = self.client("kms")
        self.upkeep = KeyUpkeep(self.database, self.clock)

    def _application(self, database: Database, uses: KeyUses, implementations: tuple[object, ...]) -> AwsApplication:
        self.decider = PolicyAuthorizer(database=database, region=REGION, clock=self.clock)
        self.access = KeyAccess(database, self.decider, self.clock)
        use = KeyUse(self.access, self.clock)
        self.service_keys = ServiceKeys(
            database,
            use,
            Granting(database, self.access, self.clock),
            self.clock,
            REGION,
            trail=self.recorded.append,
        )
        operations = kms_operations(database, self.access, use, self.clock)
        return super()._application(database, uses, (*operations, *implementations))

    def key(self, **options: Any) -> str:
        """Make a key as the administrator, and return its ARN."""
        return str(self.kms.create_key(**options)["KeyMetadata"]["Arn"])

    def user_client(self, name: str, document: str | None = ALL_OF_KMS) -> Any:
        """Make a user with a policy, and return its client of KMS."""
        return self.client("kms", **self.user(name, document))

    def put_policy(self, key: str, *statements: dict[str, Any]) -> None:
        """Replace a key's policy by one that lets its account do all, and these statements."""
        self.kms.put_key_policy(KeyId=key, Policy=key_policy(*statements))


def key_policy(*statements: dict[str, Any], account: bool = True) -> str:
    """Return a key policy, by default one that lets the account's identity policies decide."""
    enabled = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*([enabled] if account else []), *statements]})


def lets(principal: Any, action: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    """Return a statement of a key policy about a principal's ARN."""
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": "*", **more}


def user_arn(name: str, account: str = ACCOUNT) -> str:
    """Return the ARN of a user."""
    return f"arn:aws:iam::{account}:user/{name}"
