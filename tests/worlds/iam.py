"""The identity part of the product in one process: a database, the wire, and clients of any user."""

from __future__ import annotations

import configparser
import datetime as dt
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.server import AwsApplication
from reading_room.client import InProcess
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.bonds import Bonds
from reading_room.iam.bootstrap import first_administrator, make_administrator
from reading_room.iam.credentials import StoredCredentials
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.operations.sts import StsOperations
from reading_room.iam.operations.table import iam_operations
from tests.worlds import databases
from tests.worlds.alternating import PROCESSES, alternating, as_others

ACCOUNT = "000000000001"
REGION = "us-east-1"


def policy(effect: str = "Allow", action: Any = "*", resource: Any = "*", **more: Any) -> str:
    """Return a policy of one statement."""
    entry = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [entry]})


def trust(principal: Any, **more: Any) -> str:
    """Return a trust policy of one statement."""
    entry = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [entry]})


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    """Return code, message and status of the error that a call raises."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    response = error.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


class IamWorld:
    """One account with its first administrator. ``now`` changes only when a test changes it."""

    machine_clock: Clock | None = None
    """The clock that signatures are verified by, for worlds whose ``now`` moves far."""

    def __init__(self, folder: Path, *implementations: object, processes: int = PROCESSES) -> None:
        """With several ``processes``, each gets the requests in turn."""
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        opened = partial(databases.made, folder / "db.sqlite")
        self.databases = as_others(opened(), opened, processes)
        self.database = self.databases[0]
        self.credentials_path = folder / "credentials"
        self.credentials = StoredCredentials(self.database)
        uses_of_each = [KeyUses(each) for each in self.databases]
        self.key_uses, self._other_uses = uses_of_each[0], uses_of_each[1:]
        first_administrator(self.database, ACCOUNT, REGION, self.credentials_path, self.clock)
        self.apps = [
            self._application(each, uses, implementations)
            for each, uses in zip(self.databases, uses_of_each, strict=True)
        ]
        self.process = InProcess(alternating(self.apps))
        self._clients: dict[tuple[Any, ...], Any] = {}

    def _application(self, database: Database, uses: KeyUses, implementations: tuple[object, ...]) -> AwsApplication:
        self.authorizer = PolicyAuthorizer(
            database=database, region=REGION, clock=self.clock, bonds=Bonds(enforced=False)
        )
        table = OperationTable(
            *iam_operations(database, self.clock, uses),
            StsOperations(database, self.authorizer, self.clock),
            *implementations,
        )
        return AwsApplication(
            Dispatcher(table=table, authorizer=self.authorizer),
            StoredCredentials(database),
            _no_s3,
            region=REGION,
            clock=self.clock,
            machine_clock=self.machine_clock,
            trail=uses.take,
        )

    def clock(self) -> dt.datetime:
        """Return the world's time."""
        return self.now

    def administrator_key(self) -> dict[str, str]:
        """Return the key in the credentials file, as a client's options."""
        parser = configparser.ConfigParser()
        parser.read(self.credentials_path)
        return {
            "access_key_id": parser["default"]["aws_access_key_id"],
            "secret_access_key": parser["default"]["aws_secret_access_key"],
        }

    def client(self, service: Any, **key: Any) -> Any:
        """Return a client with a key, by default the administrator's."""
        given = key or self.administrator_key()
        # Making a client takes longer than what most tests do with it.
        wanted = (service, *sorted(given.items()))
        if wanted not in self._clients:
            self._clients[wanted] = self.process.client(service, **given)
        return self._clients[wanted]

    def user(self, name: str, document: str | None = None) -> dict[str, str]:
        """Make a user with a policy, and return its key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if document is not None:
            iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}

    def account(self, account: str) -> Callable[[Any], Any]:
        """Make another account, and return a function that makes clients of its administrator."""
        with self.database.transaction() as session:
            key = make_administrator(session, account, self.now)
        credentials: dict[str, Any] = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}
        return lambda service: self.process.client(service, **credentials)

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        for app in self.apps:
            app.close()
        for uses in (self.key_uses, *self._other_uses):
            uses.close()
        for database in self.databases:
            database.close()


async def _no_s3(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body", "body": b""})
