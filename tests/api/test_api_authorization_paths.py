"""Bucket policies with conditions on a request's origin and caller: each key allows some requests and denies others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.call import NetworkPath
from tests.api.test_s3_authorization import IN_VPC, VPC, VPCE, endpoint
from tests.worlds.models import ModelWorld
from tests.worlds.s3 import ACCOUNT, PUBLIC_PATH, S3World, policy, s3_world, statement

READER = f"arn:aws:iam::{ACCOUNT}:user/reader"
OPEN = policy(statement("Allow", "*", "*", Principal="*"))
OTHER_ADDRESS = NetworkPath(secure=True, vpc_id=VPC, vpc_endpoint_id=VPCE, vpc_source_ip="10.0.2.5")
ELSEWHERE = NetworkPath(source_ip="198.51.100.7", secure=True)
PLAIN = NetworkPath(source_ip="203.0.113.9")


@dataclass
class GuardedBucket:
    """S3 with a guarded bucket; the keys of a reader without policies and of an administrator."""

    world: S3World
    reader: dict[str, str]
    owner: dict[str, str]


@pytest.fixture(scope="module")
def guarded_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBucket]:
    """A bucket with an object, an endpoint of its own VPC, and a reader without policies."""
    with s3_world(tmp_path_factory.mktemp("paths"), "memory") as world:
        world.s3.create_bucket(Bucket="guarded")
        world.s3.put_object(Bucket="guarded", Key="in/k", Body=b"secret")
        endpoint(world, OPEN)
        owner = world.user("owner", policy(statement("Allow", "*", "*")))
        yield GuardedBucket(world, world.user("reader", None), owner)


CASES: list[tuple[str, dict[str, Any], NetworkPath, NetworkPath]] = [
    ("aws:SourceVpce", {"StringEquals": {"aws:SourceVpce": VPCE}}, IN_VPC, PUBLIC_PATH),
    ("aws:SourceVpc", {"StringEquals": {"aws:SourceVpc": VPC}}, IN_VPC, PUBLIC_PATH),
    ("aws:VpcSourceIp", {"IpAddress": {"aws:VpcSourceIp": "10.0.1.0/24"}}, IN_VPC, OTHER_ADDRESS),
    ("aws:SourceIp", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, PUBLIC_PATH, ELSEWHERE),
    ("aws:SourceIp in a VPC", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, PUBLIC_PATH, IN_VPC),
    ("aws:VpcSourceIp outside", {"IpAddress": {"aws:VpcSourceIp": "0.0.0.0/0"}}, IN_VPC, PUBLIC_PATH),
    ("aws:SecureTransport", {"Bool": {"aws:SecureTransport": "true"}}, PUBLIC_PATH, PLAIN),
    ("aws:SecureTransport is false", {"Bool": {"aws:SecureTransport": "false"}}, PLAIN, PUBLIC_PATH),
]


def reads(guarded_bucket: GuardedBucket, key: dict[str, str], path: NetworkPath) -> bool:
    scheme = "https" if path.secure else "http"
    client = guarded_bucket.world.client(key, path, endpoint_url=f"{scheme}://127.0.0.1:4566")
    status = 200
    try:
        client.get_object(Bucket="guarded", Key="in/k")
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert status in (200, 403)
    return status == 200


@pytest.mark.parametrize(("name", "condition", "inside", "outside"), CASES, ids=[case[0] for case in CASES])
def test_a_bucket_policy_can_allow_one_network_path_only(
    guarded_bucket: GuardedBucket, name: str, condition: dict[str, Any], inside: NetworkPath, outside: NetworkPath
) -> None:
    allow = statement("Allow", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal={"AWS": READER}, Condition=condition)
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allow))
    assert reads(guarded_bucket, guarded_bucket.reader, inside)
    assert not reads(guarded_bucket, guarded_bucket.reader, outside)


NEGATED = {
    "StringEquals": "StringNotEquals",
    "IpAddress": "NotIpAddress",
}


@pytest.mark.parametrize(
    ("name", "condition", "inside", "outside"),
    [case for case in CASES if next(iter(case[1])) in NEGATED],
    ids=[case[0] for case in CASES if next(iter(case[1])) in NEGATED],
)
def test_a_bucket_policy_can_deny_every_other_network_path(
    guarded_bucket: GuardedBucket, name: str, condition: dict[str, Any], inside: NetworkPath, outside: NetworkPath
) -> None:
    ((operator, keys),) = condition.items()
    deny = statement(
        "Deny", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal="*", Condition={NEGATED[operator]: keys}
    )
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(deny))
    assert reads(guarded_bucket, guarded_bucket.owner, inside)
    assert not reads(guarded_bucket, guarded_bucket.owner, outside)


def test_a_bucket_policy_that_requires_tls_refuses_plain_requests(guarded_bucket: GuardedBucket) -> None:
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    deny = statement("Deny", "s3:*", "arn:aws:s3:::guarded/*", Principal="*", Condition=insecure)
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(deny))
    assert reads(guarded_bucket, guarded_bucket.owner, PUBLIC_PATH)
    assert not reads(guarded_bucket, guarded_bucket.owner, PLAIN)


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"ArnEquals": {"aws:PrincipalArn": READER}}, True),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:PrincipalAccount": "444455556666"}}, False),
        ({"Bool": {"aws:ViaAWSService": "false"}}, True),
        ({"Bool": {"aws:ViaAWSService": "true"}}, False),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
        ({"StringEquals": {"aws:username": "reader"}}, True),
        ({"StringEquals": {"aws:username": "writer"}}, False),
        ({"StringEquals": {"aws:ResourceAccount": ACCOUNT, "s3:ResourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:ResourceAccount": "444455556666"}}, False),
    ],
)
def test_a_bucket_policy_can_depend_on_the_caller(
    guarded_bucket: GuardedBucket, condition: dict[str, Any], allowed: bool
) -> None:
    allow = statement("Allow", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal={"AWS": READER}, Condition=condition)
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allow))
    assert reads(guarded_bucket, guarded_bucket.reader, PUBLIC_PATH) is allowed


@pytest.mark.parametrize(("prefix", "allowed"), [("in/", True), ("in/deep/", True), ("out/", False), (None, False)])
def test_a_bucket_policy_can_allow_listing_one_prefix_only(
    guarded_bucket: GuardedBucket, prefix: str | None, allowed: bool
) -> None:
    below = {"StringLike": {"s3:prefix": "in/*"}}
    allow = statement("Allow", "s3:ListBucket", "arn:aws:s3:::guarded", Principal={"AWS": READER}, Condition=below)
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allow))
    client = guarded_bucket.world.client(guarded_bucket.reader, PUBLIC_PATH)
    given = {} if prefix is None else {"Prefix": prefix}
    if allowed:
        client.list_objects_v2(Bucket="guarded", **given)
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            client.list_objects_v2(Bucket="guarded", **given)


def test_headers_that_claim_another_path_do_not_set_condition_keys(guarded_bucket: GuardedBucket) -> None:
    condition = {"StringEquals": {"aws:SourceVpce": VPCE}}
    allow = statement("Allow", "s3:GetObject", "arn:aws:s3:::guarded/*", Principal={"AWS": READER}, Condition=condition)
    guarded_bucket.world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(allow))
    client = guarded_bucket.world.client(guarded_bucket.reader, PUBLIC_PATH)

    def claim(request: Any, **_: Any) -> None:
        for name in ("SourceVpce", "aws-SourceVpce"):
            request.headers[name] = VPCE
        request.headers["X-Forwarded-For"] = "10.0.1.5"

    client.meta.events.register("before-sign.s3.GetObject", claim)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_object(Bucket="guarded", Key="in/k")


@pytest.mark.costs(0.2, reason="it starts the whole product with clients of two users")
def test_a_policy_can_distinguish_a_services_calls_from_its_callers_own(tmp_path: Path) -> None:
    world = ModelWorld(tmp_path)
    shelf = world.client_of("shelf", service="s3")
    shelf.create_bucket(Bucket="flow-records")
    by_service = statement("Allow", ["s3:GetBucketPolicy", "s3:PutBucketPolicy"], "*")
    by_service["Condition"] = {"Bool": {"aws:ViaAWSService": "true"}}
    document = policy(statement("Allow", ["ec2:*", "logs:*"], "*"), by_service)
    ec2 = world.client_of("networker", document, service="ec2")
    s3 = world.client_of("networker-too", document, service="s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_bucket_policy(Bucket="flow-records", Policy=policy(statement("Allow", "*", "*", Principal="*")))
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flow-records",
    )
    assert made["Unsuccessful"] == []
    assert "delivery.logs.amazonaws.com" in shelf.get_bucket_policy(Bucket="flow-records")["Policy"]
    world.close()
