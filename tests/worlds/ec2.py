"""One account on the real wire with EC2, for the EC2 tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.dispatch import Dispatcher
from reading_room.aws.operations import OperationTable
from reading_room.aws.server import AwsApplication
from reading_room.client import InProcess
from reading_room.clock import system_clock
from reading_room.database.engine import Database
from reading_room.iam import inline_policies, users
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.credentials import StoredCredentials
from reading_room.vpc.ec2 import ec2_operations
from reading_room.vpc.flow_logs.flow_logs import BucketVerdict
from reading_room.vpc.quotas import Quotas
from tests.worlds import databases
from tests.worlds.alternating import PROCESSES, alternating, as_others

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ACCOUNT, REGION = "000000000001", "us-east-1"
EVERYTHING: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]


class Ec2World:
    """An account with its default VPC. ``buckets`` is the object store's verdict on each bucket."""

    def __init__(
        self,
        folder: Path,
        quotas: Quotas = Quotas.of_profile("open"),
        opened: Callable[[], Database] | None = None,
        processes: int = PROCESSES,
    ) -> None:
        """``opened`` opens a database with the account; by default it is made in the folder.

        With several ``processes``, each gets the requests in turn.
        """
        opened = opened or partial(databases.made, folder / "db.sqlite", ACCOUNT)
        self.buckets: dict[str, BucketVerdict] = {}
        self.databases = as_others(opened(), opened, processes)
        self.database = self.databases[0]
        self.apps = [self._application(each, quotas) for each in self.databases]
        self.process = InProcess(alternating(self.apps))
        self._users = 0

    def _application(self, database: Database, quotas: Quotas) -> AwsApplication:
        authorizer = PolicyAuthorizer(database=database, region=REGION, clock=system_clock)
        table = OperationTable(
            *ec2_operations(
                database=database,
                clock=system_clock,
                authorizer=authorizer,
                bucket_check=Buckets(self.buckets),
                quotas=quotas,
            )
        )
        dispatcher = Dispatcher(table=table, authorizer=authorizer)
        return AwsApplication(dispatcher, StoredCredentials(database), _no_s3, region=REGION)

    def client(self, statements: list[dict[str, Any]] | None = None) -> EC2Client:
        """Return a client of a new user with these statements, by default one with every permission."""
        self._users += 1
        name = f"user-{self._users}"
        document = json.dumps({"Version": "2012-10-17", "Statement": statements or EVERYTHING})
        with self.database.transaction() as session:
            user = users.create(session, ACCOUNT, name, system_clock())
            inline_policies.put(session, "user", user.unique_id, name, "only", document)
            key = users.create_access_key(session, user, system_clock())
        client = self.process.client("ec2", access_key_id=key.access_key_id, secret_access_key=key.secret_access_key)
        return cast("EC2Client", client)

    def close(self) -> None:
        """Close everything."""
        self.process.close()
        for app in self.apps:
            app.close()
        for database in self.databases:
            database.close()


class Buckets:
    """An object store that only returns verdicts."""

    def __init__(self, verdicts: dict[str, BucketVerdict]) -> None:
        self._verdicts = verdicts

    def __call__(self, call: Call, bucket: str, key_prefix: str) -> BucketVerdict:
        """Return the verdict on a bucket."""
        return self._verdicts.get(bucket, "missing")

    def grant(self, session: Session, account: str, bucket: str, key_prefix: str) -> None:
        """Make a bucket writable."""
        self._verdicts[bucket] = "writable"


def code_of(error: ClientError) -> str:
    """Return the code of an AWS error."""
    return str(error.response["Error"]["Code"])


def message_of(error: ClientError) -> str:
    """Return the message of an AWS error."""
    return str(error.response["Error"]["Message"])


async def _no_s3(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 501, "headers": []})
    await send({"type": "http.response.body", "body": b""})
