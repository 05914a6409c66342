"""Policies asked before a job starts: what its worker would be refused first ends it at once, in the same words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from preparation_world import ACCOUNT, NINE, REGION, ROLE, PreparationWorld, actions

from reading_room.comprehend.preparation import NetworkPreparation
from reading_room.comprehend.storage_policy import StoragePolicies
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.jobs.record import LOCAL_HOST
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.backends.backend import BucketFacts
from reading_room.vpc.endpoints import EndpointPolicies
from reading_room.vpc.tables import VpcEndpoint

STORAGE = {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"], "Resource": "*"}


class Shelf:
    """Buckets that authorization asks about, and nothing else of a backend."""

    def __init__(self) -> None:
        self.policy: str | None = None
        self.known = True

    def bucket(self, name: str) -> BucketFacts | None:
        """Return the facts of a bucket."""
        return BucketFacts(name, ACCOUNT, REGION, self.policy) if self.known else None


class PolicyWorld(PreparationWorld):
    """A preparation world whose preparation asks S3's policies."""

    def __init__(self, folder: Path) -> None:
        self.shelf = Shelf()
        super().__init__(folder)
        self.allow(actions(NINE), STORAGE)

    def restart(self) -> None:
        """Begin with policies."""
        super().restart()
        authorizer = PolicyAuthorizer(self.database, REGION, self.clock, EndpointPolicies(self.database))
        shelf: Any = self.shelf
        policies = StoragePolicies(S3Authorization(authorizer, shelf, REGION), shelf)
        self.controller._network = NetworkPreparation(
            self.database, self.dispatcher, self.authorizer, self.clock, REGION, LOCAL_HOST, policies
        )

    def endpoint_policy(self, **statement: Any) -> None:
        """Give the endpoint a policy of one statement."""
        with self.database.transaction() as session:
            full = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **statement}
            row = session.get_one(VpcEndpoint, self.endpoint)
            row.policy = json.dumps({"Version": "2012-10-17", "Statement": [full]})

    def failure(self) -> str:
        """Submit a job, and return why it failed; empty if it got its container."""
        job = self.submit()
        self.run(job)
        if self.status(job) == "IN_PROGRESS":
            return ""
        assert self.interfaces() == []
        return self.message(job)


@pytest.fixture
def world(tmp_path: Path) -> PolicyWorld:
    """The world of these tests."""
    return PolicyWorld(tmp_path)


def test_a_job_whose_policies_allow_it_starts(world: PolicyWorld) -> None:
    assert world.failure() == ""


@pytest.mark.parametrize(
    ("action", "begins"),
    [
        ("s3:ListBucket", "NO_READ_ACCESS_TO_INPUT: The provided data access role does not have proper access"),
        ("s3:PutObject", "NO_WRITE_ACCESS_TO_OUTPUT: The provided data access role does not have write access"),
    ],
)
def test_an_endpoint_policy_without_an_action_is_named_before_a_container_starts(
    world: PolicyWorld, action: str, begins: str
) -> None:
    world.endpoint_policy(Action=[name for name in STORAGE["Action"] if name != action])
    message = world.failure()
    assert message.startswith(begins)
    assert f"{action} on s3://papers/" in message
    assert world.endpoint in message


def _only_from(vpc_id: str) -> str:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::papers/*"],
            "Condition": {"StringNotEquals": {"aws:SourceVpc": vpc_id}}}  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [deny]})


def test_a_bucket_policy_sees_the_way_that_the_job_will_take(world: PolicyWorld) -> None:
    world.shelf.policy = _only_from("vpc-00000000000000000")
    assert world.failure().startswith("NO_WRITE_ACCESS_TO_OUTPUT: ")
    world.shelf.policy = _only_from(world.vpc)
    assert world.failure() == ""


@pytest.mark.parametrize(
    "statement",
    [
        {"Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}},
        {"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}},
        {"Condition": {"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_usual_conditions_of_an_endpoint_policy_are_met_as_by_the_worker(
    world: PolicyWorld, statement: dict[str, Any]
) -> None:
    world.endpoint_policy(**statement)
    assert world.failure() == ""


@pytest.mark.parametrize(("prefix", "failure"), [("in/*", ""), ("other/*", "s3:ListBucket on s3://papers/in/")])
def test_the_prefix_of_the_input_is_what_listing_may_be_bound_to(world: PolicyWorld, prefix: str, failure: str) -> None:
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    bound = listing | {"Condition": {"StringLike": {"s3:prefix": prefix}}}
    world.allow(actions(NINE), {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, bound)
    message = world.failure()
    assert (failure in message) if failure else (message == "")


def test_a_bucket_that_does_not_exist_is_left_to_the_worker(world: PolicyWorld) -> None:
    world.shelf.known = False
    world.allow(actions(NINE))
    assert world.failure() == ""


def test_a_group_without_rules_is_told_before_any_policy(world: PolicyWorld) -> None:
    world.silence_group()
    world.allow(actions(NINE))
    assert world.failure().startswith("NO_ROUTE_TO_STORAGE: ")
