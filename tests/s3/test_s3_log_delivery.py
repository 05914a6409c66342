"""Buckets for flow logs: permission to write to them, and the statements that are added to their policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.clock import system_clock
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.principals import service_principal
from reading_room.iam.tables import InlinePolicy, User
from reading_room.ids import iam_unique_id
from reading_room.s3 import buckets
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.embedded import EmbeddedBackend
from reading_room.s3.backends.memory import memory_backend
from reading_room.s3.log_delivery import SERVICE, LogBuckets, delivery_context, with_delivery
from reading_room.s3.store import ObjectStore
from reading_room.s3.tables import S3Bucket
from reading_room.vpc.flow_logs.errors import LogDestinationDenied, LogDestinationMissing
from tests.worlds import databases

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
PREFIX = f"AWSLogs/{ACCOUNT}/"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}


class World:
    """Buckets of two accounts, and callers with individual policies."""

    def __init__(self, folder: Path) -> None:
        self.database = databases.made(folder / "db.sqlite")
        self.backend: EmbeddedBackend = memory_backend(self.database, REGION, system_clock)
        authorizer = PolicyAuthorizer(database=self.database, region=REGION, clock=system_clock)
        authorization = S3Authorization(authorizer=authorizer, backend=self.backend, region=REGION)
        self.store = ObjectStore(backend=self.backend, authorization=authorization)
        self.check = LogBuckets(backend=self.backend, authorization=authorization, region=REGION)

    def bucket(self, name: str, account: str = ACCOUNT, policy: str | None = None) -> None:
        """Create a bucket."""
        with self.database.transaction() as session:
            session.add(
                S3Bucket(name=name, account=account, region=REGION, created_at=system_clock(), public_access_block=None)
            )
            session.flush()
            if policy is not None:
                buckets.put_policy(session, name, policy)

    def call(self, *statements: dict[str, Any]) -> Call:
        """Return a CreateFlowLogs call of a new user with these statements."""
        unique = iam_unique_id("AIDA")
        with self.database.transaction() as session:
            session.add(
                User(unique_id=unique, account=ACCOUNT, name=unique, name_key=unique.lower(), created_at=system_clock())
            )
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            session.add(InlinePolicy(owner_id=unique, name="own", document=document))
        principal = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{unique}", unique, user_name=unique)
        path = NetworkPath(source_ip="203.0.113.9", secure=True)
        return Call("ec2", "CreateFlowLogs", {}, principal, ACCOUNT, REGION, path, "request-1")

    def grant(self, name: str) -> None:
        """Add the delivery statements to a bucket's policy."""
        self.write(lambda session: self.check.grant(session, ACCOUNT, name, PREFIX))

    def write(self, change: Callable[[Session], None]) -> None:
        """Make a change in a transaction."""
        with self.database.transaction() as session:
            change(session)

    def policy(self, name: str) -> dict[str, Any]:
        """Return a bucket's policy."""
        with self.database.reading() as session:
            text = session.scalar(select(S3Bucket.policy).where(S3Bucket.name == name))
        return dict(json.loads(text or "{}"))

    def deliver(self, name: str) -> None:
        """Write a file of records as the log delivery service."""
        key = f"{PREFIX}vpcflowlogs/{REGION}/records.log.gz"
        principal, context = service_principal(SERVICE), delivery_context(ACCOUNT, REGION)
        self.store.put(name, key, b"records", "application/octet-stream", principal, context)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.backend.close()
    made.database.close()


def test_a_bucket_of_the_callers_account_is_made_writable(world: World) -> None:
    world.bucket("records")
    assert world.check(world.call(ALLOW_ALL), "records", PREFIX) == "grantable"
    assert world.policy("records") == {}, "the check must not change the policy"
    world.grant("records")
    assert [statement["Sid"] for statement in world.policy("records")["Statement"]] == [
        "AWSLogDeliveryWrite",
        "AWSLogDeliveryAclCheck",
    ]
    assert world.check(world.call(ALLOW_ALL), "records", PREFIX) == "writable"
    world.deliver("records")
    assert world.store.head("records", f"{PREFIX}vpcflowlogs/{REGION}/records.log.gz") is not None


@pytest.mark.parametrize("missing", ["s3:GetBucketPolicy", "s3:PutBucketPolicy"])
def test_a_caller_who_may_not_change_the_policy_is_denied(world: World, missing: str) -> None:
    world.bucket("records")
    call = world.call(ALLOW_ALL, {"Effect": "Deny", "Action": missing, "Resource": "*"})
    assert world.check(call, "records", PREFIX) == "denied"


def test_a_bucket_of_another_account_is_not_changed(world: World) -> None:
    world.bucket("theirs", OTHER)
    assert world.check(world.call(ALLOW_ALL), "theirs", PREFIX) == "denied"
    assert world.check(world.call(ALLOW_ALL), "nobodys", PREFIX) == "missing"


def test_a_bucket_whose_deny_would_stop_the_delivery_is_denied(world: World) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::records/*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}},
    }
    world.bucket("records", policy=json.dumps({"Version": "2012-10-17", "Statement": deny}))
    assert world.check(world.call(ALLOW_ALL), "records", PREFIX) == "denied"


def test_existing_statements_are_kept_and_new_ones_have_unique_sids() -> None:
    given = {"Version": "2012-10-17", "Id": "mine", "Statement": {"Sid": "AWSLogDeliveryWrite", "Effect": "Deny"}}
    made = json.loads(with_delivery(json.dumps(given), ACCOUNT, REGION, "records", PREFIX))
    assert (made["Id"], made["Statement"][0]) == ("mine", given["Statement"])
    assert [statement["Sid"] for statement in made["Statement"]] == [
        "AWSLogDeliveryWrite",
        "AWSLogDeliveryWrite1",
        "AWSLogDeliveryAclCheck",
    ]


def test_changes_between_check_and_grant_are_detected(world: World) -> None:
    with pytest.raises(LogDestinationMissing):
        world.grant("gone")
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:GetObject"}
    long = [{**statement, "Sid": f"S{n}", "Resource": f"arn:aws:s3:::full/{'x' * 880}{n}"} for n in range(20)]
    world.bucket("full", policy=json.dumps({"Version": "2012-10-17", "Statement": long}))
    before = world.policy("full")
    with pytest.raises(LogDestinationDenied):
        world.grant("full")
    assert world.policy("full") == before
