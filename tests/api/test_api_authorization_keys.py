"""Condition keys for the parameters of EC2 and S3 calls: each allows the value that a policy names and no other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from reading_room.s3.authorization import Signing, s3_context
from tests.worlds.ec2 import ACCOUNT, REGION, Ec2World, code_of
from tests.worlds.s3 import ACCOUNT as S3_ACCOUNT
from tests.worlds.s3 import S3World, policy, s3_world, statement

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

OTHER = "444455556666"
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
S3_SERVICE, LOGS_SERVICE = (f"com.amazonaws.{REGION}.{name}" for name in ("s3", "logs"))


def new_subnet(ec2: EC2Client, zone: str) -> None:
    """Create a subnet in a zone."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    block = {"a": "172.31.200.0/24", "b": "172.31.201.0/24"}[zone]
    ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")


def new_endpoint(ec2: EC2Client, service: str) -> None:
    """Create an endpoint for a service."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    kind: Any = "Gateway" if service == S3_SERVICE else "Interface"
    ec2.create_vpc_endpoint(VpcId=vpc["VpcId"], ServiceName=service, VpcEndpointType=kind)


def permit_attachment(ec2: EC2Client, account: str) -> None:
    """Let an account use a new interface."""
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    ec2.create_network_interface_permission(
        NetworkInterfaceId=interface, AwsAccountId=account, Permission="INSTANCE-ATTACH"
    )


@pytest.mark.parametrize(
    ("key", "wanted", "act", "right", "wrong"),
    [
        ("ec2:AvailabilityZone", f"{REGION}a", new_subnet, "a", "b"),
        ("ec2:VpceServiceName", S3_SERVICE, new_endpoint, S3_SERVICE, LOGS_SERVICE),
        ("ec2:AuthorizedUser", f"arn:aws:iam::{ACCOUNT}:root", permit_attachment, ACCOUNT, OTHER),
        ("ec2:Permission", "INSTANCE-ATTACH", permit_attachment, ACCOUNT, None),
    ],
)
def test_a_policy_can_limit_the_parameters_of_ec2_calls(
    world: Ec2World, key: str, wanted: str, act: Callable[[EC2Client, str], None], right: str, wrong: str | None
) -> None:
    # The other resources of the call do not have the key, and the condition does not apply to them.
    another: dict[str, Any] = {"StringNotEquals": {key: wanted}, "Null": {key: "false"}}
    everything = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    ec2 = world.client([everything, {**everything, "Effect": "Deny", "Condition": another}])
    act(ec2, right)
    if wrong is not None:
        with pytest.raises(ClientError) as refused:
            act(ec2, wrong)
        assert code_of(refused.value) == "UnauthorizedOperation"


def test_a_zone_has_the_same_key_by_name_by_id_and_by_default(world: Ec2World, ec2: EC2Client) -> None:
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    first = {"StringEquals": {"ec2:AvailabilityZone": zones[0]["ZoneName"]}}
    everything = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    careful = world.client([everything, {**everything, "Effect": "Deny", "Condition": first}])
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    block: Any = {"VpcId": vpc["VpcId"], "CidrBlock": "172.31.200.0/24"}
    by_id: Any = {"AvailabilityZoneId": zones[0]["ZoneId"]}
    for call, given in (
        (careful.create_subnet, {**block, "AvailabilityZone": zones[0]["ZoneName"]}),
        (careful.create_subnet, {**block, **by_id}),
        (careful.create_subnet, block),
        (careful.create_default_subnet, by_id),
    ):
        with pytest.raises(ClientError) as refused:
            call(**given)
        assert code_of(refused.value) == "UnauthorizedOperation"
    careful.create_subnet(**block, AvailabilityZoneId=zones[1]["ZoneId"])
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        careful.create_subnet(**block, AvailabilityZone="us-east-1z")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[S3World, Any]]:
    """A store with a bucket and an object, and a client of a writer without policies."""
    with s3_world(tmp_path_factory.mktemp("keys"), "memory") as world:
        world.s3.create_bucket(Bucket="guarded")
        world.s3.put_object(Bucket="guarded", Key="source", Body=b"x")
        yield world, world.client(world.user("writer", None))


def copy(s3: Any, directive: str = "COPY") -> None:
    """Copy the object."""
    s3.copy_object(Bucket="guarded", Key="copy", CopySource="guarded/source", MetadataDirective=directive)


def store_as(s3: Any, storage_class: str) -> None:
    """Write an object with a storage class."""
    s3.put_object(Bucket="guarded", Key="new", Body=b"x", StorageClass=storage_class)


@pytest.mark.parametrize(
    ("condition", "act", "allowed"),
    [
        ({"StringLike": {"s3:x-amz-copy-source": "*guarded/source"}}, copy, True),
        ({"StringLike": {"s3:x-amz-copy-source": "*guarded/other"}}, copy, False),
        ({"StringEquals": {"s3:x-amz-metadata-directive": "COPY"}}, copy, True),
        ({"StringEquals": {"s3:x-amz-metadata-directive": "REPLACE"}}, copy, False),
        ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD"}}, lambda s3: store_as(s3, "STANDARD"), True),
        ({"StringEquals": {"s3:x-amz-storage-class": "GLACIER"}}, lambda s3: store_as(s3, "STANDARD"), False),
        ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, copy, True),
        ({"StringEquals": {"s3:signatureversion": "AWS"}}, copy, False),
        ({"Null": {"s3:signatureAge": "true"}}, copy, True),
        ({"NumericLessThan": {"s3:signatureAge": "600000"}}, copy, False),
        ({"StringLike": {"aws:UserAgent": "*Botocore*"}}, copy, True),
        ({"StringLike": {"aws:UserAgent": "curl/*"}}, copy, False),
    ],
)
def test_a_policy_can_limit_the_parameters_of_s3_calls(
    store: tuple[S3World, Any], condition: dict[str, Any], act: Callable[[Any], None], allowed: bool
) -> None:
    world, writer = store
    objects, anybody = "arn:aws:s3:::guarded/*", {"AWS": f"arn:aws:iam::{S3_ACCOUNT}:user/writer"}
    world.s3.put_bucket_policy(
        Bucket="guarded",
        Policy=policy(
            statement("Allow", "s3:GetObject*", objects, Principal=anybody),
            statement("Allow", "s3:PutObject", objects, Principal=anybody, Condition=condition),
        ),
    )
    if allowed:
        act(writer)
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            act(writer)


def test_the_age_of_a_presigned_url_is_a_condition_key_in_milliseconds() -> None:
    signed = Signing("AWS4-HMAC-SHA256", presigned=True, signed_at=NOW - dt.timedelta(seconds=90))
    assert s3_context({}, {}, signed, NOW)["s3:signatureAge"] == ("90000",)
