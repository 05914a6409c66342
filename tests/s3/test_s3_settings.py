"""Settings with one supported value: requests for it are accepted, all others refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.worlds.s3 import OTHER_ACCOUNT, S3World, policy, s3_world, statement

BUCKET, KEY = "settings", "k"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world with an object."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket=BUCKET)
        world.s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"x")
        yield world


@pytest.fixture
def s3(world: S3World) -> Any:
    """Return the administrator's client."""
    return world.s3


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that is expected to fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def encryption(algorithm: str, **more: Any) -> dict[str, Any]:
    """Return an encryption configuration."""
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}, **more}]}


def test_encryption_by_s3_is_accepted_and_encryption_with_kms_keys_refused(s3: Any) -> None:
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=encryption("AES256"))
    before = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]
    for setting in (encryption("aws:kms"), encryption("AES256", BucketKeyEnabled=True)):
        refused = code(s3.put_bucket_encryption, Bucket=BUCKET, ServerSideEncryptionConfiguration=setting)
        assert refused == "NotImplemented"
    assert s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"] == before


def test_only_access_control_lists_with_full_control_for_the_owner_alone_are_accepted(s3: Any) -> None:
    own = s3.get_object_acl(Bucket=BUCKET, Key=KEY)
    listed = {"Owner": own["Owner"], "Grants": own["Grants"]}
    s3.put_object_acl(Bucket=BUCKET, Key=KEY, AccessControlPolicy=listed)
    s3.put_object_acl(Bucket=BUCKET, Key=KEY, ACL="bucket-owner-full-control")
    everybody = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}
    wider = {**listed, "Grants": [*own["Grants"], {"Grantee": everybody, "Permission": "READ"}]}
    refused = "AccessControlListNotSupported"
    assert code(s3.put_object_acl, Bucket=BUCKET, Key=KEY, AccessControlPolicy=wider) == refused
    assert code(s3.put_object_acl, Bucket=BUCKET, Key=KEY, ACL="public-read") == refused
    for acl in ("private", "public-read-write"):
        assert code(s3.put_bucket_acl, Bucket=BUCKET, ACL=acl) == refused
    assert code(s3.put_bucket_acl, Bucket=BUCKET, AccessControlPolicy=listed) == refused
    assert code(s3.put_bucket_acl, Bucket=BUCKET, GrantRead="id=1") == refused
    assert code(s3.put_object_acl, Bucket=BUCKET, Key="none", ACL="private") == "NoSuchKey"
    assert s3.get_object_acl(Bucket=BUCKET, Key=KEY)["Grants"] == own["Grants"]


def test_only_the_bucket_owner_may_write_objects_as_private(world: S3World, s3: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="own", Body=b"x", ACL="private")
    stranger = world.client(world.user("stranger", policy(statement("Allow", "s3:*", "*")), OTHER_ACCOUNT))
    let_in = statement("Allow", ["s3:PutObject", "s3:PutObjectAcl"], f"arn:aws:s3:::{BUCKET}/*")
    let_in["Principal"] = {"AWS": OTHER_ACCOUNT}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(let_in))
    setting = {"Bucket": BUCKET, "Key": "theirs", "Body": b"x"}
    assert code(stranger.put_object, **setting, ACL="private") == "AccessControlListNotSupported"
    stranger.put_object(**setting, ACL="bucket-owner-full-control")


@pytest.mark.parametrize("constraint", ["us-east-1", "mars-north-1", "eu-west-1", "EU"])
def test_a_bucket_with_a_location_constraint_is_refused(s3: Any, constraint: str) -> None:
    setting = {"LocationConstraint": constraint}
    with pytest.raises(ClientError) as caught:
        s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=setting)
    error = caught.value.response["Error"]
    if constraint in ("us-east-1", "mars-north-1"):
        assert error == {
            "Code": "InvalidLocationConstraint",
            "Message": "The specified location-constraint is not valid",
            "LocationConstraint": constraint,
        }
    else:
        assert error["Code"] == "IllegalLocationConstraintException"
    assert code(s3.head_bucket, Bucket="elsewhere") == "404"


def test_a_bucket_without_a_policy_has_no_policy_status(s3: Any) -> None:
    s3.create_bucket(Bucket="no-policy")
    assert code(s3.get_bucket_policy_status, Bucket="no-policy") == "NoSuchBucketPolicy"
    assert code(s3.get_bucket_policy_status, Bucket="no-such-bucket") == "NoSuchBucket"
    own = statement("Allow", "s3:GetObject", "arn:aws:s3:::no-policy/*", Principal={"AWS": OTHER_ACCOUNT})
    s3.put_bucket_policy(Bucket="no-policy", Policy=policy(own))
    assert s3.get_bucket_policy_status(Bucket="no-policy")["PolicyStatus"] == {"IsPublic": False}


def test_bypassing_retention_requires_a_permission(world: S3World, s3: Any) -> None:
    rights = ["s3:DeleteObject", "s3:PutObject"]
    deleter = world.client(world.user("deleter", policy(statement("Allow", rights, "*"))))
    rights = [*rights, "s3:BypassGovernanceRetention"]
    bypasser = world.client(world.user("bypasser", policy(statement("Allow", rights, "*"))))
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    setting = {"Bucket": "locked", "BypassGovernanceRetention": True}
    listed = {"Objects": [{"Key": "held"}, {"Key": "absent"}]}
    s3.put_object(Bucket="locked", Key="held", Body=b"x")
    assert code(deleter.delete_object, **setting, Key="held") == "AccessDenied"
    refused = deleter.delete_objects(**setting, Delete=listed)["Errors"]
    assert [(each["Key"], each["Code"]) for each in refused] == [("held", "AccessDenied"), ("absent", "AccessDenied")]
    assert s3.head_object(Bucket="locked", Key="held")
    assert "Errors" not in bypasser.delete_objects(**setting, Delete=listed)
    assert code(s3.head_object, Bucket="locked", Key="held") == "404"
    bypasser.delete_object(**setting, Key="held")
    # Without a request to bypass retention, no permission to bypass it is needed.
    deleter.delete_object(Bucket="locked", Key="held", BypassGovernanceRetention=False)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"StorageClass": "GLACIER"}, "InvalidStorageClass"),
        ({"ServerSideEncryption": "aws:kms"}, "NotImplemented"),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}, "KMS.NotFoundException"),
        ({"BucketKeyEnabled": True}, "NotImplemented"),
        ({"WebsiteRedirectLocation": "/other"}, "NotImplemented"),
        ({"ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, "NotImplemented"),
    ],
)
def test_a_write_with_an_unsupported_setting_stores_nothing(s3: Any, parameters: dict[str, Any], expected: str) -> None:
    assert code(s3.put_object, Bucket=BUCKET, Key="refused", Body=b"x", **parameters) == expected
    assert code(s3.create_multipart_upload, Bucket=BUCKET, Key="refused", **parameters) == expected
    assert code(s3.copy_object, Bucket=BUCKET, Key="refused", CopySource=f"{BUCKET}/{KEY}", **parameters) == expected
    assert code(s3.head_object, Bucket=BUCKET, Key="refused") == "404"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
