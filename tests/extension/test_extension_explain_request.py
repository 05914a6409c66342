"""ExplainRequest: explains an account's own requests, and reveals nothing about other accounts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.s3 import buckets
from tests.worlds.extension import ACCOUNT, OTHER_ACCOUNT, REGION, ExtensionWorld, allow, deny, policy, refusal, trust

pytestmark = pytest.mark.costs(0.25, reason="the whole product is made, with a network, a bucket and a role")


def denied(call: Any, **parameters: Any) -> str:
    """Make a call that is denied, and return its request id."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    assert raised.value.response["Error"]["Code"] in ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
    return str(raised.value.response["ResponseMetadata"]["RequestId"])


def test_a_denial_is_explained_statement_by_statement(world: ExtensionWorld) -> None:
    home = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    ann = world.user("ann", allow("ec2:DescribeVpcs", Sid="FromHome", Condition=home))
    request_id = denied(world.client("ec2", ann).describe_vpcs)
    answer = world.room().explain_request(RequestId=request_id)
    (call,) = answer["Calls"]
    assert (call["EventName"], call["EventSource"]) == ("DescribeVpcs", "ec2.amazonaws.com")
    assert call["PrincipalArn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert call["ErrorCode"] == "Client.UnauthorizedOperation"
    (denial,) = answer["Denials"]
    assert (denial["Decision"], denial["Action"], denial["Resource"]) == ("implicitDeny", "ec2:DescribeVpcs", "*")
    assert denial["PrincipalArn"] == call["PrincipalArn"]
    assert denial["DecidingStatements"] == []
    (closest,) = denial["ClosestStatements"]
    assert (closest["Effect"], json.loads(closest["Document"])["Sid"]) == ("Allow", "FromHome")
    (condition,) = closest["Conditions"]
    assert (condition["Operator"], condition["Key"]) == ("IpAddress", "aws:sourceip")
    assert condition["Wanted"] == ["192.0.2.0/24"]
    assert condition["Found"] == ["127.0.0.1"]
    assert condition["Holds"] is False
    assert {"Key": "aws:SourceIp", "Values": ["127.0.0.1"]} in denial["Context"]
    assert all(name.startswith("identity policy") for name in denial["Policies"])
    assert "Withheld" not in denial


def test_an_explicit_deny_is_named(world: ExtensionWorld) -> None:
    ann = world.user("ann", allow("*"), deny("s3:ListBucket", Sid="Never"))
    request_id = denied(world.client("s3", ann).list_objects_v2, Bucket="papers")
    (denial,) = world.room().explain_request(RequestId=request_id)["Denials"]
    assert denial["Decision"] == "explicitDeny"
    assert [each["Statement"] for each in denial["DecidingStatements"]] == ["statement 'Never'"]


@pytest.mark.parametrize("operation", ["get_object", "head_object", "put_object"])
def test_a_denial_on_an_object_is_explained_although_lookup_events_omits_it(
    world: ExtensionWorld, operation: str
) -> None:
    """As in AWS, calls on objects are data events, and LookupEvents returns only management events."""
    only = {"StringEquals": {"aws:SourceVpce": world.endpoint}}
    ann = world.user("ann", allow("s3:*Object", Sid="FromTheVpc", Condition=only))
    with pytest.raises(ClientError) as raised:
        getattr(world.client("s3", ann), operation)(Bucket="papers", Key="in/one.txt")
    request_id = raised.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    answer = world.room().explain_request(RequestId=request_id)
    (call,) = answer["Calls"]
    name = "".join(part.title() for part in operation.split("_"))
    assert (call["EventName"], call["ErrorCode"]) == (name, "AccessDenied")
    (denial,) = answer["Denials"]
    assert denial["Resource"] == "arn:aws:s3:::papers/in/one.txt"
    (closest,) = denial["ClosestStatements"]
    assert [each["Key"] for each in closest["Conditions"]] == ["aws:sourcevpce"]
    looked = world.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}]
    )
    assert looked["Events"] == []


def test_a_call_that_no_policy_decided_has_only_its_error(world: ExtensionWorld) -> None:
    with pytest.raises(ClientError) as raised:
        world.client("ec2").delete_vpc(VpcId="vpc-0123456789abcdef0")
    answer = world.room().explain_request(RequestId=raised.value.response["ResponseMetadata"]["RequestId"])
    assert answer["Denials"] == []
    assert answer["Calls"][0]["ErrorCode"] == "Client.InvalidVpcID.NotFound"
    well = world.client("ec2").describe_vpcs()["ResponseMetadata"]["RequestId"]
    assert "ErrorCode" not in world.room().explain_request(RequestId=well)["Calls"][0]


def test_requests_of_another_account_are_not_found(world: ExtensionWorld) -> None:
    stranger = world.user("stranger", allow("reading-room:*"), account=OTHER_ACCOUNT)
    theirs = denied(world.client("ec2", stranger).describe_vpcs)
    own = denied(world.client("ec2", world.user("ann")).describe_vpcs)
    assert world.room(stranger).explain_request(RequestId=theirs)["Denials"]
    assert world.room().explain_request(RequestId=own)["Denials"]
    for key, request_id in ((None, theirs), (stranger, own), (None, "11111111-2222-3333-4444-555555555555")):
        code, message = refusal(world.room(key).explain_request, RequestId=request_id)
        assert code == "ResourceNotFoundException"
        assert request_id in message


def test_policies_of_another_accounts_bucket_are_withheld(world: ExtensionWorld) -> None:
    hidden = deny("s3:*", resource="arn:aws:s3:::theirs/*", Principal="*", Sid="Secret")
    with world.database.transaction() as session:
        buckets.create(session, "theirs", OTHER_ACCOUNT, REGION, world.now)
        buckets.put_policy(session, "theirs", policy(hidden))
    request_id = denied(world.client("s3").get_object, Bucket="theirs", Key="a")
    answer = world.room().explain_request(RequestId=request_id)
    (denial,) = answer["Denials"]
    assert "arn:aws:s3:::theirs/a" in denial["Withheld"]
    assert "another account" in denial["Withheld"]
    assert (denial["DecidingStatements"], denial["Because"]) == ([], [])
    assert not any("resource policy" in name for name in denial["Policies"])
    assert any("identity policy" in name for name in denial["Policies"])
    assert "Secret" not in json.dumps(answer, default=str)
    # The owner of the bucket sees nothing of the stranger's policies.
    owner = world.user("owner", allow("*"), account=OTHER_ACCOUNT)
    assert refusal(world.room(owner).explain_request, RequestId=request_id)[0] == "ResourceNotFoundException"


def test_the_trust_policy_of_another_accounts_role_is_withheld(world: ExtensionWorld) -> None:
    owner = world.user("owner", allow("*"), account=OTHER_ACCOUNT)
    only = trust({"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:user/owner"}, Sid="OnlyOwner")
    role = world.client("iam", owner).create_role(RoleName="Theirs", AssumeRolePolicyDocument=only)["Role"]["Arn"]
    request_id = denied(world.client("sts").assume_role, RoleArn=role, RoleSessionName="me")
    (denial,) = world.room().explain_request(RequestId=request_id)["Denials"]
    assert role in denial["Withheld"]
    assert "OnlyOwner" not in json.dumps(denial, default=str)


def test_a_job_is_explained_by_its_id(world: ExtensionWorld) -> None:
    world.client("s3").put_bucket_policy(
        Bucket="papers", Policy=policy(deny("s3:PutObject", resource="arn:aws:s3:::papers/*", Principal="*", Sid="No"))
    )
    job = world.client("comprehend").start_entities_detection_job(**world.request())["JobId"]
    for _ in range(3):
        world.product.jobs.controller.turn()
    answer = world.room().explain_request(RequestId=job)
    (denial,) = answer["Denials"]
    assert denial["Action"] == "s3:PutObject"
    assert denial["PrincipalArn"].endswith(job)


def test_explaining_requires_permission_and_a_valid_parameter(world: ExtensionWorld) -> None:
    code, message = refusal(world.room(world.user("nobody")).explain_request, RequestId="a")
    assert code == "AccessDeniedException"
    assert "reading-room:ExplainRequest" in message
    for bad in ("a b", '"', "../x", "a" * 129):
        assert refusal(world.room().explain_request, RequestId=bad)[0] == "ValidationException"
