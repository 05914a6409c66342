"""S3 Control by path: the tags of buckets as Terraform's provider sets them, and the settings of an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.receive import PATH_KEY
from reading_room.s3.control import is_control
from tests.worlds.s3 import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, PUBLIC_PATH, S3World, policy, s3_world, statement

BUCKET = "controlled"
ARN = f"arn:aws:s3:::{BUCKET}"
HOST = "127.0.0.1:4566"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world with a bucket."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        yield world


def client(world: S3World, key: dict[str, str], *, by_path: bool = True) -> Any:
    """Return a client of S3 Control. ``by_path`` leaves out the account in the host name."""

    def leave_out(params: dict[str, Any], **_: Any) -> None:
        params["url"] = params["url"].replace(f"//{params['headers']['x-amz-account-id']}.", "//")

    made = world.running.client("s3control", endpoint_url=f"https://{HOST}", scope={PATH_KEY: PUBLIC_PATH}, **key)
    if by_path:
        made.meta.events.register("before-call.s3-control", leave_out)
    return made


@pytest.fixture(scope="module", params=["by path", "by host name"])
def control(world: S3World, request: pytest.FixtureRequest) -> Any:
    """Return the administrator's client."""
    return client(world, world.key, by_path=request.param == "by path")


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def tags_of(control: Any) -> dict[str, str]:
    """Return the bucket's tags."""
    found = control.list_tags_for_resource(AccountId=ACCOUNT, ResourceArn=ARN)["Tags"]
    return {each["Key"]: each["Value"] for each in found}


def test_tags_of_a_bucket_are_added_listed_and_removed(world: S3World, control: Any) -> None:
    here = {"AccountId": ACCOUNT, "ResourceArn": ARN}
    assert tags_of(control) == {}
    control.tag_resource(**here, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b c", "Value": ""}])
    control.tag_resource(**here, Tags=[{"Key": "a", "Value": "2"}, {"Key": "d", "Value": "3"}])
    assert tags_of(control) == {"a": "2", "b c": "", "d": "3"}
    shown = world.s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert {each["Key"]: each["Value"] for each in shown} == tags_of(control)
    control.untag_resource(**here, TagKeys=["a", "b c", "absent"])
    assert tags_of(control) == {"d": "3"}
    control.untag_resource(**here, TagKeys=["d"])
    assert code(world.s3.get_bucket_tagging, Bucket=BUCKET) == "NoSuchTagSet"


def test_wrong_tags_change_nothing(control: Any) -> None:
    here = {"AccountId": ACCOUNT, "ResourceArn": ARN}
    assert code(control.tag_resource, **here, Tags=[{"Key": "aws:a", "Value": "1"}]) == "InvalidTag"
    many = [{"Key": f"{number}", "Value": ""} for number in range(51)]
    assert code(control.tag_resource, **here, Tags=many) == "BadRequest"
    assert code(control.tag_resource, **here, Tags=[]) == "MalformedXML"
    assert tags_of(control) == {}
    elsewhere = {"AccountId": ACCOUNT, "ResourceArn": f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/a"}
    assert code(control.list_tags_for_resource, **elsewhere) == "InvalidRequest"
    absent = {"AccountId": ACCOUNT, "ResourceArn": "arn:aws:s3:::no-such-bucket"}
    assert code(control.list_tags_for_resource, **absent) == "NoSuchBucket"


def test_each_operation_needs_its_permission_and_the_buckets_account(world: S3World) -> None:
    reader = client(world, world.user("reader", policy(statement("Allow", "s3:ListTagsForResource", ARN))))
    here = {"AccountId": ACCOUNT, "ResourceArn": ARN}
    assert tags_of(reader) == {}
    assert code(reader.tag_resource, **here, Tags=[{"Key": "a", "Value": "1"}]) == "AccessDenied"
    assert code(reader.untag_resource, **here, TagKeys=["a"]) == "AccessDenied"
    own = client(world, world.key)
    assert code(own.list_tags_for_resource, AccountId=OTHER_ACCOUNT, ResourceArn=ARN) == "AccessDenied"
    stranger = client(world, world.user("stranger", ALLOW_ALL, OTHER_ACCOUNT))
    assert code(stranger.list_tags_for_resource, **here) == "AccessDenied"
    let_in = statement("Allow", "s3:ListTagsForResource", ARN, Principal={"AWS": OTHER_ACCOUNT})
    world.s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(let_in))
    assert tags_of(stranger) == {}
    world.s3.delete_bucket_policy(Bucket=BUCKET)


def test_an_account_has_no_block_public_access_of_its_own(control: Any) -> None:
    missing = "NoSuchPublicAccessBlockConfiguration"
    assert code(control.get_public_access_block, AccountId=ACCOUNT) == missing
    assert code(control.get_public_access_block, AccountId=OTHER_ACCOUNT) == "AccessDenied"
    setting = {"AccountId": ACCOUNT, "PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}
    assert code(control.put_public_access_block, **setting) == "NotImplemented"
    assert code(control.list_access_points, AccountId=ACCOUNT) == "NotImplemented"


def test_a_bucket_may_have_the_name_of_the_apis_version(world: S3World) -> None:
    world.s3.create_bucket(Bucket="v20180820")
    world.s3.put_object(Bucket="v20180820", Key="tags/k", Body=b"x")
    assert world.s3.get_object(Bucket="v20180820", Key="tags/k")["Body"].read() == b"x"
    assert not is_control("/v20180820/tags/k", {"host": "h"})
