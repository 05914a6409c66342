"""Authorization in S3: identity, bucket and endpoint policies together, and the origin of requests."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.call import NetworkPath
from reading_room.iam.principals import service_principal
from reading_room.s3.errors import AccessDenied
from reading_room.vpc.tables import Vpc, VpcEndpoint
from tests.worlds.s3 import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, PUBLIC_PATH, S3World, policy, s3_world, statement

VPC, VPCE = "vpc-0123456789abcdef0", "vpce-0123456789abcdef0"
IN_VPC = NetworkPath(secure=True, vpc_id=VPC, vpc_endpoint_id=VPCE, vpc_source_ip="10.0.1.5")
ANYWHERE = "arn:aws:s3:::guarded/*"


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3World]:
    """An account with the bucket ``guarded`` and the object ``k`` in it."""
    with s3_world(tmp_path_factory.mktemp("s3"), "memory") as world:
        world.s3.create_bucket(Bucket="guarded")
        world.s3.put_object(Bucket="guarded", Key="k", Body=b"secret")
        yield world


def endpoint(world: S3World, document: str) -> None:
    """Create the endpoint of ``IN_VPC``, or change its policy."""
    now = dt.datetime.now(dt.UTC)
    with world.database.transaction() as session:
        session.merge(Vpc(vpc_id=VPC, account=ACCOUNT, vni=1, created_at=now))
        session.flush()
        session.merge(
            VpcEndpoint(
                vpc_endpoint_id=VPCE,
                account=ACCOUNT,
                vpc_id=VPC,
                service_name="com.amazonaws.us-east-1.s3",
                number=1,
                policy=document,
                created_at=now,
            )
        )


def bucket_policy(world: S3World, *statements: dict[str, Any]) -> None:
    """Set the policy of ``guarded``."""
    world.s3.put_bucket_policy(Bucket="guarded", Policy=policy(*statements))


def denied(call: Any, **parameters: Any) -> str:
    """Return the message of a denial."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] in ("AccessDenied", "403")
    return str(error.get("Message"))


def test_a_user_without_policies_is_denied_and_the_message_names_the_missing_policy(world: S3World) -> None:
    s3 = world.client(world.user("nobody", None))
    message = denied(s3.get_object, Bucket="guarded", Key="k")
    assert message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/nobody is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::guarded/k" because no identity-based policy allows the s3:GetObject action'
    )
    for call, parameters in (
        (s3.list_buckets, {}),
        (s3.create_bucket, {"Bucket": "mine"}),
        (s3.put_object, {"Bucket": "guarded", "Key": "x", "Body": b""}),
        (s3.delete_object, {"Bucket": "guarded", "Key": "k"}),
        (s3.head_bucket, {"Bucket": "guarded"}),
        (s3.copy_object, {"Bucket": "guarded", "Key": "x", "CopySource": "guarded/k"}),
        (s3.create_multipart_upload, {"Bucket": "guarded", "Key": "x"}),
        (s3.put_bucket_policy, {"Bucket": "guarded", "Policy": ALLOW_ALL}),
        (s3.get_object, {"Bucket": "no-such-bucket", "Key": "k"}),
    ):
        denied(call, **parameters)
    assert world.s3.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"


def test_an_explicit_deny_in_the_bucket_policy_applies_to_the_administrator(world: S3World) -> None:
    bucket_policy(world, statement("Deny", "s3:GetObject", ANYWHERE, Principal="*", Sid="NoReads"))
    message = denied(world.s3.get_object, Bucket="guarded", Key="k")
    assert message.endswith("with an explicit deny in a resource-based policy")
    key_id = world.key["access_key_id"]
    denial = world.recent_denial(key_id)
    assert denial is not None
    assert "statement 'NoReads'" in denial
    assert world.recent_denial(f"arn:aws:iam::{ACCOUNT}:user/administrator") == denial
    assert world.recent_denial("AKIANOBODY") is None
    world.s3.delete_bucket_policy(Bucket="guarded")
    assert world.s3.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"


def test_the_bucket_policy_can_allow_a_user_without_policies(world: S3World) -> None:
    key = world.user("reader", None)
    bucket_policy(
        world,
        statement("Allow", "s3:GetObject", ANYWHERE, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"}),
    )
    assert world.client(key).get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"
    denied(world.client(key).put_object, Bucket="guarded", Key="k", Body=b"")


def test_only_callers_with_permission_to_list_can_see_that_a_key_is_missing(world: S3World) -> None:
    only_get = world.client(world.user("get", policy(statement("Allow", "s3:GetObject", "*"))))
    message = denied(only_get.get_object, Bucket="guarded", Key="absent")
    assert "s3:ListBucket" in message
    denied(only_get.head_object, Bucket="guarded", Key="absent")
    both = world.client(world.user("list", policy(statement("Allow", ["s3:GetObject", "s3:ListBucket"], "*"))))
    with pytest.raises(ClientError, match="NoSuchKey"):
        both.get_object(Bucket="guarded", Key="absent")
    with pytest.raises(ClientError, match="404"):
        both.head_object(Bucket="guarded", Key="absent")


def test_listing_versions_is_a_separate_permission(world: S3World) -> None:
    keys_only = world.client(world.user("keys", policy(statement("Allow", "s3:ListBucket", "*"))))
    assert "s3:ListBucketVersions" in denied(keys_only.list_object_versions, Bucket="guarded")
    versions = world.client(world.user("versions", policy(statement("Allow", "s3:ListBucketVersions", "*"))))
    assert versions.list_object_versions(Bucket="guarded")["Versions"]
    denied(versions.list_objects_v2, Bucket="guarded")


def test_a_bucket_policy_can_require_an_endpoint(world: S3World) -> None:
    endpoint(world, policy(statement("Allow", "*", "*", Principal="*")))
    condition = {"StringNotEquals": {"aws:SourceVpce": VPCE}}
    deny = statement("Deny", "s3:*", ANYWHERE, Principal="*", Condition=condition)
    bucket_policy(world, deny)
    assert world.client(path=IN_VPC).get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"
    denied(world.s3.get_object, Bucket="guarded", Key="k")
    pretending = world.client()
    pretending.meta.events.register("before-sign.s3", _pretend)
    denied(pretending.get_object, Bucket="guarded", Key="k")


def test_a_request_through_a_deleted_endpoint_is_refused_with_that_reason(
    world: S3World,
) -> None:
    late = world.client(path=IN_VPC)
    for call, more in ((late.get_object, {}), (late.put_object, {"Body": b"other"}), (late.delete_object, {})):
        with pytest.raises(ClientError, match=f"VPC endpoint {VPCE} was deleted") as refused:
            call(Bucket="guarded", Key="k", **more)
        assert refused.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    assert world.s3.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"


def _pretend(request: Any, **_: Any) -> None:
    for name in ("aws:SourceVpce", "x-amz-source-vpce", "X-Forwarded-For"):
        request.headers[name] = VPCE


def test_the_source_address_comes_from_the_socket_and_is_absent_inside_a_vpc(world: S3World) -> None:
    endpoint(world, policy(statement("Allow", "*", "*", Principal="*")))
    key = world.user(
        "office",
        policy(statement("Allow", "s3:*", "*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
    )
    assert world.client(key, PUBLIC_PATH).list_objects_v2(Bucket="guarded")["KeyCount"] == 1
    denied(world.client(key, NetworkPath(source_ip="198.51.100.1")).list_objects_v2, Bucket="guarded")
    denied(world.client(key, IN_VPC).list_objects_v2, Bucket="guarded")
    inside = world.user(
        "inside",
        policy(statement("Allow", "s3:*", "*", Condition={"IpAddress": {"aws:VpcSourceIp": "10.0.1.0/24"}})),
    )
    assert world.client(inside, IN_VPC).list_objects_v2(Bucket="guarded")["KeyCount"] == 1
    denied(world.client(inside, PUBLIC_PATH).list_objects_v2, Bucket="guarded")


def test_the_endpoint_policy_limits_everyone_and_denials_name_it(world: S3World) -> None:
    endpoint(world, policy(statement("Allow", ["s3:GetObject", "s3:ListBucket"], "*", Principal="*")))
    inside = world.client(path=IN_VPC)
    assert inside.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"
    message = denied(inside.put_object, Bucket="guarded", Key="out", Body=b"x" * 100_000)
    assert message.endswith("because no VPC endpoint policy allows the s3:PutObject action")
    denial = world.recent_denial(world.key["access_key_id"])
    assert denial is not None
    assert VPCE in denial
    assert world.store.head("guarded", "out") is None
    denied(inside.list_buckets)
    endpoint(world, policy(statement("Deny", "s3:*", "*", Principal="*")))
    assert denied(inside.get_object, Bucket="guarded", Key="k").endswith("explicit deny in a VPC endpoint policy")


def test_each_key_of_a_delete_objects_call_is_authorized(world: S3World) -> None:
    for key in ("free/a", "free/b"):
        world.s3.put_object(Bucket="guarded", Key=key, Body=b"")
    s3 = world.client(
        world.user("cleaner", policy(statement("Allow", "s3:DeleteObject", "arn:aws:s3:::guarded/free/*")))
    )
    entries = [{"Key": "free/a"}, {"Key": "k"}, {"Key": "free/b"}]
    answer = s3.delete_objects(Bucket="guarded", Delete={"Objects": entries})
    assert [entry["Key"] for entry in answer["Deleted"]] == ["free/a", "free/b"]
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("k", "AccessDenied")]
    assert world.store.head("guarded", "k") is not None


def test_conditions_can_use_prefix_delimiter_and_headers(world: S3World) -> None:
    condition = {"StringEquals": {"s3:prefix": ["home/", ""], "s3:delimiter": "/"}}
    key = world.user("lister", policy(statement("Allow", "s3:ListBucket", "*", Condition=condition)))
    s3 = world.client(key)
    s3.list_objects_v2(Bucket="guarded", Prefix="home/", Delimiter="/")
    denied(s3.list_objects_v2, Bucket="guarded", Prefix="other/", Delimiter="/")
    denied(s3.list_objects_v2, Bucket="guarded")
    bucket_policy(
        world,
        statement(
            "Deny",
            "s3:PutObject",
            ANYWHERE,
            Principal="*",
            Condition={"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}},
        ),
    )
    denied(world.s3.put_object, Bucket="guarded", Key="plain", Body=b"")
    world.s3.put_object(Bucket="guarded", Key="plain", Body=b"", ServerSideEncryption="AES256")


def test_plain_http_is_not_secure_transport(world: S3World) -> None:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    bucket_policy(world, statement("Deny", "s3:*", ANYWHERE, Principal="*", Condition=condition))
    denied(world.client(path=NetworkPath(source_ip="203.0.113.9")).get_object, Bucket="guarded", Key="k")
    assert world.s3.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"


def test_conditions_can_distinguish_presigned_urls_from_signed_requests(world: S3World) -> None:
    condition = {"StringEquals": {"s3:authType": "REST-HEADER"}}
    bucket_policy(world, statement("Deny", "s3:GetObject", ANYWHERE, Principal="*", Condition=condition))
    denied(world.s3.get_object, Bucket="guarded", Key="k")


def test_another_account_needs_an_allow_on_both_sides_and_gets_no_details(world: S3World) -> None:
    foreign = world.client(world.user("foreign", ALLOW_ALL, OTHER_ACCOUNT))
    assert denied(foreign.get_object, Bucket="guarded", Key="k") == "Access Denied"
    bucket_policy(world, statement("Allow", "s3:GetObject", ANYWHERE, Principal={"AWS": OTHER_ACCOUNT}))
    assert foreign.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"
    denied(foreign.list_objects_v2, Bucket="guarded")
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        foreign.create_bucket(Bucket="guarded")
    assert foreign.list_buckets()["Buckets"] == []
    bucket_policy(world, statement("Allow", "s3:*", "arn:aws:s3:::guarded", Principal={"AWS": OTHER_ACCOUNT}))
    with pytest.raises(ClientError, match="MethodNotAllowed"):
        foreign.get_bucket_policy(Bucket="guarded")


def test_a_public_policy_is_refused_until_block_public_access_is_off(world: S3World) -> None:
    public = statement("Allow", "s3:GetObject", ANYWHERE, Principal="*")
    denied(world.s3.put_bucket_policy, Bucket="guarded", Policy=policy(public))
    fixed = {**public, "Condition": {"StringEquals": {"aws:SourceVpce": VPCE}}}
    bucket_policy(world, fixed)
    assert not world.s3.get_bucket_policy_status(Bucket="guarded")["PolicyStatus"]["IsPublic"]
    switches = {"BlockPublicPolicy": False, "RestrictPublicBuckets": True}
    world.s3.put_public_access_block(Bucket="guarded", PublicAccessBlockConfiguration=switches)
    bucket_policy(world, public)
    assert world.s3.get_bucket_policy_status(Bucket="guarded")["PolicyStatus"]["IsPublic"]
    foreign = world.client(world.user("foreign", ALLOW_ALL, OTHER_ACCOUNT))
    denied(foreign.get_object, Bucket="guarded", Key="k")
    world.s3.delete_public_access_block(Bucket="guarded")
    assert foreign.get_object(Bucket="guarded", Key="k")["Body"].read() == b"secret"


def test_the_expected_owner_must_be_the_owner(world: S3World) -> None:
    got = world.s3.get_object(Bucket="guarded", Key="k", ExpectedBucketOwner=ACCOUNT)
    assert got["ContentLength"] == 6
    denied(world.s3.get_object, Bucket="guarded", Key="k", ExpectedBucketOwner=OTHER_ACCOUNT)
    source = {"CopySource": "guarded/k", "ExpectedSourceBucketOwner": OTHER_ACCOUNT}
    denied(world.s3.copy_object, Bucket="guarded", Key="c", **source)


def test_a_copy_needs_permission_to_read_its_source(world: S3World) -> None:
    s3 = world.client(world.user("writer", policy(statement("Allow", "s3:PutObject", "*"))))
    assert "s3:GetObject" in denied(s3.copy_object, Bucket="guarded", Key="c", CopySource="guarded/k")


def test_log_delivery_can_only_write_what_the_bucket_policy_allows(world: S3World) -> None:
    delivery = service_principal("delivery.logs.amazonaws.com")
    with pytest.raises(AccessDenied):
        world.store.put("guarded", "AWSLogs/x", b"data", "text/plain", delivery)
    bucket_policy(
        world,
        statement(
            "Allow",
            "s3:PutObject",
            "arn:aws:s3:::guarded/AWSLogs/*",
            Principal={"Service": "delivery.logs.amazonaws.com"},
            Condition={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": ACCOUNT}},
        ),
    )
    context = {"aws:SourceAccount": (ACCOUNT,)}
    world.store.put("guarded", "AWSLogs/x", b"data", "text/plain", delivery, context)
    assert world.s3.get_object(Bucket="guarded", Key="AWSLogs/x")["Body"].read() == b"data"
    with pytest.raises(AccessDenied):
        world.store.put("guarded", "elsewhere", b"data", "text/plain", delivery, context)
    with pytest.raises(AccessDenied):
        world.store.put("guarded", "AWSLogs/y", b"data", "text/plain", delivery, {"aws:SourceAccount": ("2" * 12,)})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hello", "Policies must be valid JSON and the first byte must be '{'"),
        ('{"Statement": []} {"Statement": []}', "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        (policy(statement("Allow", "s3:GetObject", ANYWHERE)), "Missing required field Principal"),
        (
            policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::another/*", Principal="*")),
            "Policy has invalid resource",
        ),
        (policy(statement("Allow", "s3:Frobnicate", ANYWHERE, Principal="*")), "Policy has invalid action"),
        (
            policy(statement("Allow", "s3:GetObject", "arn:aws:s3:::guarded", Principal="*")),
            "Action does not apply to any resource(s) in statement",
        ),
        (
            policy(
                statement("Allow", "s3:GetObject", ANYWHERE, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/None"})
            ),
            "Invalid principal in policy",
        ),
    ],
)
def test_an_invalid_bucket_policy_is_refused_with_the_reason(world: S3World, text: str, problem: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.s3.put_bucket_policy(Bucket="guarded", Policy=text)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("MalformedPolicy", problem)
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        world.s3.get_bucket_policy(Bucket="guarded")


def test_a_policy_is_returned_as_it_was_set(world: S3World) -> None:
    text = policy(statement("Deny", "s3:DeleteObject", ANYWHERE, Principal="*"))
    world.s3.put_bucket_policy(Bucket="guarded", Policy=text)
    assert json.loads(world.s3.get_bucket_policy(Bucket="guarded")["Policy"]) == json.loads(text)
