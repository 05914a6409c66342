"""Object Ownership and access control lists: who owns an object, who may use it, and Block Public Access."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from reading_room.aws.receive import PATH_KEY
from reading_room.s3.access_lists import ALL_USERS, AUTHENTICATED_USERS, canonical_id
from tests.worlds.s3 import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, PUBLIC_PATH, S3World, policy, s3_world, statement

OWN, THEIRS = canonical_id(ACCOUNT), canonical_id(OTHER_ACCOUNT)
NOBODY = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
_names = itertools.count()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """Yield a world."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        yield world


@pytest.fixture(scope="module")
def other(world: S3World) -> Any:
    """Return the client of another account's administrator."""
    return world.client(world.user("other", ALLOW_ALL, OTHER_ACCOUNT))


@pytest.fixture(scope="module")
def nobody(world: S3World) -> Any:
    """Return a client that does not sign."""
    return world.running.client(
        "s3", endpoint_url="https://127.0.0.1:4566", scope={PATH_KEY: PUBLIC_PATH}, config=NOBODY
    )


def made(s3: Any, ownership: str = "ObjectWriter", **parameters: Any) -> str:
    """Make a bucket with this ownership that does not block public access, and return its name."""
    name = f"lists-{next(_names)}"
    s3.create_bucket(Bucket=name, ObjectOwnership=ownership, **parameters)
    s3.delete_public_access_block(Bucket=name)
    return name


def code(call: Any, **parameters: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def grants_of(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return grantees and permissions of an answer."""
    return [
        (str(each["Grantee"].get("ID") or each["Grantee"].get("URI")), each["Permission"]) for each in answer["Grants"]
    ]


def body(client: Any, bucket: str, key: str = "k") -> bytes:
    """Return an object's bytes."""
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


FULL = (OWN, "FULL_CONTROL")


# Object Ownership


def test_a_new_bucket_owns_all_objects_and_takes_no_lists(world: S3World) -> None:
    s3 = world.s3
    s3.create_bucket(Bucket="by-default")
    rules = s3.get_bucket_ownership_controls(Bucket="by-default")["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert code(s3.put_bucket_acl, Bucket="by-default", ACL="private") == "AccessControlListNotSupported"
    s3.put_object(Bucket="by-default", Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.put_object(Bucket="by-default", Key="k", Body=b"x", GrantFullControl=f'id="{OWN}"')
    for refused in ({"ACL": "public-read"}, {"GrantRead": f"id={OWN}"}, {"ACL": "no-such-list"}):
        assert code(s3.put_object, Bucket="by-default", Key="k", Body=b"x", **refused) in (
            "AccessControlListNotSupported",
            "InvalidArgument",
        )
    assert grants_of(s3.get_object_acl(Bucket="by-default", Key="k")) == [FULL]


def test_ownership_is_set_returned_and_removed(world: S3World) -> None:
    s3, bucket = world.s3, made(world.s3)
    for ownership in ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"):
        controls = {"Rules": [{"ObjectOwnership": ownership}]}
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
        assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert code(s3.get_bucket_ownership_controls, Bucket=bucket) == "OwnershipControlsNotFoundError"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    enforced = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    refused = code(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=enforced)
    assert refused == "InvalidBucketAclWithObjectOwnership"
    wrongs: tuple[dict[str, Any], ...] = ({"Rules": []}, {"Rules": [{"ObjectOwnership": "Nobody"}]})
    for wrong in wrongs:
        assert code(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls=wrong) == "MalformedXML"


def test_writers_own_their_objects_unless_the_buckets_owner_is_preferred(world: S3World, other: Any) -> None:
    s3, full = world.s3, "bucket-owner-full-control"
    for ownership, parameters, owner in (
        ("ObjectWriter", {}, THEIRS),
        ("ObjectWriter", {"ACL": full}, THEIRS),
        ("BucketOwnerPreferred", {}, THEIRS),
        ("BucketOwnerPreferred", {"ACL": full}, OWN),
        ("BucketOwnerEnforced", {"ACL": full}, OWN),
    ):
        bucket = made(s3, ownership)
        let_in = statement("Allow", ["s3:PutObject", "s3:PutObjectAcl", "s3:GetObjectAcl"], f"arn:aws:s3:::{bucket}/*")
        s3.put_bucket_policy(Bucket=bucket, Policy=policy(let_in | {"Principal": {"AWS": OTHER_ACCOUNT}}))
        other.put_object(Bucket=bucket, Key="k", Body=b"x", **parameters)
        assert other.get_object_acl(Bucket=bucket, Key="k")["Owner"]["ID"] == owner
        (listed,) = s3.list_objects(Bucket=bucket)["Contents"]
        assert listed["Owner"]["ID"] == owner


def test_the_buckets_owner_cannot_read_others_objects_but_deletes_them(world: S3World, other: Any) -> None:
    s3 = world.s3
    bucket = made(s3, GrantWrite=f"id={THEIRS}")
    other.put_object(Bucket=bucket, Key="k", Body=b"theirs")
    assert body(other, bucket) == b"theirs"
    assert code(s3.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert code(s3.get_object_acl, Bucket=bucket, Key="k") == "AccessDenied"
    # A policy of the bucket cannot allow what its owner does not own, but it can deny.
    everything = statement("Allow", "s3:*", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": [ACCOUNT, OTHER_ACCOUNT]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(everything))
    assert code(s3.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(everything | {"Effect": "Deny"}))
    assert code(other.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)
    other.put_object_acl(Bucket=bucket, Key="k", ACL="bucket-owner-read")
    assert body(s3, bucket) == b"theirs"
    assert code(s3.put_object_acl, Bucket=bucket, Key="k", ACL="private") == "AccessDenied"
    s3.delete_object(Bucket=bucket, Key="k")
    assert code(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_enforcing_ownership_gives_the_buckets_owner_all_objects_and_ends_the_effect_of_lists(
    world: S3World, other: Any, nobody: Any
) -> None:
    s3 = world.s3
    bucket = made(s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"open", ACL="public-read")
    assert body(nobody, bucket) == b"open"

    def own(ownership: str) -> None:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]})

    own("BucketOwnerEnforced")
    assert code(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="k")) == [FULL]
    own("ObjectWriter")
    assert body(nobody, bucket) == b"open"
    # What is written meanwhile does not inherit the list of the object before.
    own("BucketOwnerEnforced")
    s3.put_object(Bucket=bucket, Key="k", Body=b"closed")
    own("ObjectWriter")
    assert code(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"


# Lists


def test_groups_get_what_lists_grant_them(world: S3World, other: Any, nobody: Any) -> None:
    s3 = world.s3
    bucket = made(s3)
    s3.put_object(Bucket=bucket, Key="all", Body=b"all", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="signed", Body=b"signed", ACL="authenticated-read")
    s3.put_object(Bucket=bucket, Key="own", Body=b"own")
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="all")) == [FULL, (ALL_USERS, "READ")]
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="signed")) == [FULL, (AUTHENTICATED_USERS, "READ")]
    assert (body(nobody, bucket, "all"), body(other, bucket, "all")) == (b"all", b"all")
    assert body(other, bucket, "signed") == b"signed"
    assert code(nobody.get_object, Bucket=bucket, Key="signed") == "AccessDenied"
    for client in (nobody, other):
        assert code(client.get_object, Bucket=bucket, Key="own") == "AccessDenied"
        assert code(client.get_object_acl, Bucket=bucket, Key="all") == "AccessDenied"
        assert code(client.list_objects_v2, Bucket=bucket) == "AccessDenied"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert [each["Key"] for each in nobody.list_objects_v2(Bucket=bucket)["Contents"]] == ["all", "own", "signed"]
    assert code(nobody.put_object, Bucket=bucket, Key="new", Body=b"x") == "AccessDenied"
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    nobody.put_object(Bucket=bucket, Key="new", Body=b"x")
    assert code(s3.get_object, Bucket=bucket, Key="new") == "AccessDenied"
    assert code(nobody.delete_object, Bucket=bucket, Key="new") == "AccessDenied"
    s3.delete_object(Bucket=bucket, Key="new")


def test_a_user_needs_the_permission_of_its_own_account_too(world: S3World) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{THEIRS}"')
    idle = world.client(world.user("idle", None, OTHER_ACCOUNT))
    reader = world.client(world.user("reader", policy(statement("Allow", "s3:GetObject", "*")), OTHER_ACCOUNT))
    assert code(idle.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert body(reader, bucket) == b"x"


def test_lists_are_set_by_documents_and_headers(world: S3World, other: Any) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = s3.get_bucket_acl(Bucket=bucket)
    named = {"Type": "CanonicalUser", "ID": THEIRS}
    listed = {"Owner": answer["Owner"], "Grants": [*answer["Grants"], {"Grantee": named, "Permission": "READ_ACP"}]}
    s3.put_bucket_acl(Bucket=bucket, AccessControlPolicy=listed)
    assert grants_of(other.get_bucket_acl(Bucket=bucket)) == [FULL, (THEIRS, "READ_ACP")]
    s3.put_object_acl(
        Bucket=bucket, Key="k", GrantRead=f'id="{THEIRS}", uri="{ALL_USERS}"', GrantWriteACP=f"id={THEIRS}"
    )
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="k")) == [
        (THEIRS, "READ"),
        (ALL_USERS, "READ"),
        (THEIRS, "WRITE_ACP"),
    ]
    other.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Owner"]["ID"] == OWN
    assert code(other.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    # Without any grant, the owner keeps its access.
    s3.put_object_acl(Bucket=bucket, Key="k", AccessControlPolicy={"Owner": answer["Owner"], "Grants": []})
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Grants"] == []
    assert body(s3, bucket) == b"x"


def test_wrong_lists_are_refused(world: S3World) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    owner = {"ID": OWN}

    def listed(grantee: dict[str, str], owner: dict[str, str] = owner) -> dict[str, Any]:
        return {"AccessControlPolicy": {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": "READ"}]}}

    email, mine = {"Type": "AmazonCustomerByEmail", "EmailAddress": "a@b.c"}, {"Type": "CanonicalUser", "ID": OWN}
    for parameters, expected in (
        ({"ACL": "no-such-list"}, "InvalidArgument"),
        ({"ACL": "aws-exec-read"}, "NotImplemented"),
        ({"ACL": "private", "GrantRead": f"id={OWN}"}, "InvalidRequest"),
        ({"GrantRead": "nonsense"}, "InvalidArgument"),
        ({"GrantRead": "id=abc"}, "InvalidArgument"),
        ({"GrantRead": "uri=http://example.com/"}, "InvalidArgument"),
        ({"GrantRead": "emailAddress=a@b.c"}, "MethodNotAllowed"),
        (listed(email), "MethodNotAllowed"),
        (listed({"Type": "CanonicalUser", "ID": "0" * 64}), "InvalidArgument"),
        (listed({"Type": "Group", "URI": "http://example.com/"}), "InvalidArgument"),
        (listed({"Type": "Group"}), "MalformedACLError"),
        (listed(mine, {}), "MalformedACLError"),
        (listed(mine, {"ID": THEIRS}), "AccessDenied"),
        ({"ACL": "private", **listed(mine)}, "UnexpectedContent"),
        ({}, "MissingSecurityHeader"),
    ):
        assert code(s3.put_object_acl, Bucket=bucket, Key="k", **parameters) == expected, parameters
        assert code(s3.put_bucket_acl, Bucket=bucket, **parameters) == expected, parameters
    assert code(s3.put_object_acl, Bucket=bucket, Key="absent", ACL="private") == "NoSuchKey"
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="k")) == [FULL]
    assert grants_of(s3.get_bucket_acl(Bucket=bucket)) == [FULL]


def test_every_write_can_set_a_list_and_none_keeps_that_of_an_earlier_object(world: S3World, nobody: Any) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="public-read", Metadata={"a": "b"})
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    assert grants_of(s3.get_object_acl(Bucket=bucket, Key="copy")) == [FULL]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k", ACL="public-read")
    assert nobody.get_object(Bucket=bucket, Key="copy")["Metadata"] == {"a": "b"}
    upload = {"Bucket": bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ACL="public-read")["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert body(nobody, bucket, "parts") == b"x"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    answer = nobody.head_object(Bucket=bucket, Key="copy")["ResponseMetadata"]["HTTPHeaders"]
    assert not [name for name in answer if "access" in name]


# Policies and Block Public Access


def test_conditions_on_lists_and_explicit_denials_win(world: S3World, other: Any) -> None:
    s3 = world.s3
    bucket = made(s3, GrantWrite=f"id={THEIRS}")
    condition = {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    demand = statement("Deny", "s3:PutObject", f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=condition)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(demand))
    assert code(other.put_object, Bucket=bucket, Key="k", Body=b"x") == "AccessDenied"
    other.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    assert body(s3, bucket) == b"x"
    granted = {"StringEquals": {"s3:x-amz-grant-read": f"id={OWN}"}}
    demand = statement("Deny", "s3:PutObject", f"arn:aws:s3:::{bucket}/*", Principal="*", Condition=granted)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(demand))
    assert code(other.put_object, Bucket=bucket, Key="k", Body=b"x", GrantRead=f"id={OWN}") == "AccessDenied"
    other.put_object(Bucket=bucket, Key="k", Body=b"x", GrantReadACP=f"id={OWN}")


def test_setting_lists_needs_permissions(world: S3World) -> None:
    writer = world.client(world.user("writer", policy(statement("Allow", ["s3:PutObject", "s3:CreateBucket"], "*"))))
    bucket = made(world.s3)
    writer.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(writer.put_object, Bucket=bucket, Key="k", Body=b"x", ACL="private") == "AccessDenied"
    writer.create_bucket(Bucket="without-header", ACL="private")
    assert code(writer.create_bucket, Bucket="other-owner", ObjectOwnership="ObjectWriter") == "AccessDenied"
    setting = {"Bucket": "granting", "GrantRead": f"id={THEIRS}", "ObjectOwnership": "ObjectWriter"}
    may = ["s3:CreateBucket", "s3:PutBucketOwnershipControls"]
    owner = world.client(world.user("owner", policy(statement("Allow", may, "*"))))
    assert code(owner.create_bucket, **setting) == "AccessDenied"


def test_the_list_of_a_new_bucket_suits_its_ownership_and_is_not_public(world: S3World, other: Any) -> None:
    s3 = world.s3
    refused = "InvalidBucketAclWithObjectOwnership"
    assert code(s3.create_bucket, Bucket="new-one", ACL="public-read") == refused
    assert code(s3.create_bucket, Bucket="new-one", GrantRead=f"id={THEIRS}") == refused
    setting = {"Bucket": "new-one", "ACL": "public-read", "ObjectOwnership": "ObjectWriter"}
    assert code(s3.create_bucket, **setting) == "InvalidBucketAclWithBlockPublicAccessError"
    assert code(s3.head_bucket, Bucket="new-one") == "404"
    s3.create_bucket(Bucket="new-one", GrantRead=f"id={THEIRS}", ObjectOwnership="ObjectWriter")
    assert other.list_objects_v2(Bucket="new-one")["KeyCount"] == 0


def test_block_public_acls_prevents_public_lists(world: S3World) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    for acl in ("public-read", "public-read-write", "authenticated-read"):
        assert code(s3.put_bucket_acl, Bucket=bucket, ACL=acl) == "AccessDenied"
        assert code(s3.put_object, Bucket=bucket, Key="k", Body=b"x", ACL=acl) == "AccessDenied"
        assert code(s3.create_multipart_upload, Bucket=bucket, Key="k", ACL=acl) == "AccessDenied"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert code(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/k", ACL="public-read") == "AccessDenied"
    assert code(s3.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == "AccessDenied"
    s3.put_object_acl(Bucket=bucket, Key="k", GrantRead=f"id={THEIRS}")


def test_ignore_public_acls_leaves_the_other_grants(world: S3World, other: Any, nobody: Any) -> None:
    s3, bucket = world.s3, made(world.s3)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'uri="{ALL_USERS}", id="{THEIRS}"')
    assert (body(nobody, bucket), nobody.list_objects_v2(Bucket=bucket)["KeyCount"]) == (b"x", 1)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert code(nobody.get_object, Bucket=bucket, Key="k") == "AccessDenied"
    assert code(nobody.list_objects_v2, Bucket=bucket) == "AccessDenied"
    assert body(other, bucket) == b"x"
    assert code(s3.get_bucket_policy_status, Bucket=bucket) == "NoSuchBucketPolicy"
    own = statement("Allow", "s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": OTHER_ACCOUNT})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(own))
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    s3.delete_public_access_block(Bucket=bucket)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}


def test_a_denial_names_the_list_that_does_not_allow_it(world: S3World, other: Any) -> None:
    bucket = made(world.s3, GrantWrite=f"id={THEIRS}")
    other.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError) as caught:
        world.s3.get_object(Bucket=bucket, Key="k")
    assert "because no resource-based policy allows the s3:GetObject action" in str(caught.value)
    denial = world.recent_denial(world.key["access_key_id"])
    listed = f"the access control list of arn:aws:s3:::{bucket}/k, owned by account {OTHER_ACCOUNT}, does not allow it"
    assert denial is not None
    assert listed in denial
