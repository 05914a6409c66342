"""The three objectives of a data perimeter, each with a call that it allows and one that it denies.

Requests come over the path that a listener of an endpoint, or the public one, gives them. The policies are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.worlds.extension import REGION, ExtensionWorld, allow, deny, policy, refusal
from tests.worlds.perimeter import CORPORATE, STRANGER, Perimeter

pytestmark = pytest.mark.costs(0.5, reason="the whole product is made, with an organization, a member and a stranger")


@pytest.fixture
def perimeter(tmp_path: Path) -> Iterator[Perimeter]:
    """An organization without policies of its own."""
    with closing(ExtensionWorld(tmp_path)) as world:
        yield Perimeter(world)


def test_only_trusted_identities_reach_our_bucket(perimeter: Perimeter) -> None:
    theirs = perimeter.s3(perimeter.stranger)
    assert theirs.get_object(Bucket="ours", Key="a")["Body"].read() == b"text"
    perimeter.attach(
        "RESOURCE_CONTROL_POLICY",
        deny(
            "s3:*",
            Principal="*",
            Condition={
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": perimeter.id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        ),
    )
    assert refusal(theirs.get_object, Bucket="ours", Key="a")[0] == "AccessDenied"
    assert perimeter.s3(perimeter.keys).get_object(Bucket="ours", Key="a")["Body"].read() == b"text"
    # The management account belongs to the organization, and the bucket's policy lets it in.
    assert perimeter.s3(perimeter.world.administrator).get_object(Bucket="ours", Key="a")["Body"].read() == b"text"
    denial = perimeter.s3(perimeter.keys)
    perimeter.attach("RESOURCE_CONTROL_POLICY", deny("s3:PutObject", Principal="*"))
    code, message = refusal(denial.put_object, Bucket="ours", Key="b", Body=b"")
    assert code == "AccessDenied"
    assert message.endswith("with an explicit deny in a resource control policy")


def test_only_trusted_identities_use_our_keys(perimeter: Perimeter) -> None:
    """A key whose policy lets a stranger in, which a resource control policy keeps out."""
    own = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{perimeter.member}:root"})
    too_much = allow("kms:Encrypt", Principal={"AWS": STRANGER})
    kms = perimeter.world.client("kms", perimeter.keys)
    key = kms.create_key(Policy=policy(own, too_much))["KeyMetadata"]["Arn"]
    theirs = perimeter.world.client("kms", perimeter.stranger)
    theirs.encrypt(KeyId=key, Plaintext=b"text")
    outsiders = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}
    perimeter.attach("RESOURCE_CONTROL_POLICY", deny("kms:*", Principal="*", Condition=outsiders))
    assert refusal(theirs.encrypt, KeyId=key, Plaintext=b"text")[0] == "AccessDeniedException"
    kms.encrypt(KeyId=key, Plaintext=b"text")


def test_only_trusted_identities_come_through_our_endpoint(perimeter: Perimeter) -> None:
    """Code in our network that brings keys of its own cannot use them."""
    perimeter.filter(
        allow("s3:*", Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": perimeter.id}}),
    )
    brought = perimeter.s3(perimeter.stranger, perimeter.endpoint)
    assert refusal(brought.put_object, Bucket="theirs", Key="stolen", Body=b"text")[0] == "AccessDenied"
    assert perimeter.s3(perimeter.keys, perimeter.endpoint).get_object(Bucket="ours", Key="a")["Body"].read() == b"text"


def test_our_identities_reach_only_trusted_resources(perimeter: Perimeter) -> None:
    ours = perimeter.s3(perimeter.keys)
    ours.put_object(Bucket="theirs", Key="before", Body=b"text")
    perimeter.attach(
        "SERVICE_CONTROL_POLICY",
        deny("s3:*", Condition={"StringNotEqualsIfExists": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}),
    )
    assert refusal(ours.put_object, Bucket="theirs", Key="stolen", Body=b"text")[0] == "AccessDenied"
    ours.put_object(Bucket="ours", Key="b", Body=b"text")


def test_only_trusted_resources_are_reached_through_our_endpoint(perimeter: Perimeter) -> None:
    perimeter.filter(allow("s3:*", Principal="*", Condition={"StringEquals": {"aws:ResourceOrgID": perimeter.id}}))
    ours = perimeter.s3(perimeter.keys, perimeter.endpoint)
    code, _ = refusal(ours.put_object, Bucket="theirs", Key="stolen", Body=b"text")
    assert code == "AccessDenied"
    ours.put_object(Bucket="ours", Key="b", Body=b"text")


def test_our_bucket_is_reached_only_from_expected_networks(perimeter: Perimeter) -> None:
    perimeter.attach(
        "RESOURCE_CONTROL_POLICY",
        deny(
            "s3:*",
            Principal="*",
            Condition={
                "NotIpAddressIfExists": {"aws:SourceIp": CORPORATE},
                "StringNotEqualsIfExists": {"aws:VpceOrgID": perimeter.id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"},
            },
        ),
    )
    keys = perimeter.keys
    assert refusal(perimeter.s3(keys).get_object, Bucket="ours", Key="a")[0] == "AccessDenied"
    foreign = perimeter.s3(keys, perimeter.foreign_endpoint)
    assert refusal(foreign.get_object, Bucket="ours", Key="a")[0] == "AccessDenied"
    for s3 in (perimeter.s3(keys, perimeter.endpoint), perimeter.s3(keys, source_ip="198.51.100.7")):
        assert s3.get_object(Bucket="ours", Key="a")["Body"].read() == b"text"


def test_our_identities_work_only_from_expected_networks(perimeter: Perimeter) -> None:
    vpc, _ = perimeter.endpoint
    arn = f"arn:aws:ec2:{REGION}:{perimeter.member}:vpc/{vpc}"
    perimeter.attach(
        "SERVICE_CONTROL_POLICY",
        deny(
            "s3:*",
            Condition={
                "ArnNotLikeIfExists": {"aws:SourceVpcArn": arn},
                "BoolIfExists": {"aws:ViaAWSService": "false"},
            },
        ),
    )
    keys = perimeter.keys
    assert refusal(perimeter.s3(keys).get_object, Bucket="ours", Key="a")[0] == "AccessDenied"
    assert (
        refusal(perimeter.s3(keys, perimeter.foreign_endpoint).get_object, Bucket="ours", Key="a")[0] == "AccessDenied"
    )
    assert perimeter.s3(keys, perimeter.endpoint).get_object(Bucket="ours", Key="a")["Body"].read() == b"text"


@pytest.mark.costs(1, reason="seventeen policies are stored, one for each key")
def test_the_keys_of_a_request_through_an_endpoint(perimeter: Perimeter) -> None:
    """A bucket's policy denies the request unless a key has its value, or is absent."""
    vpc, _ = perimeter.endpoint
    path = f"{perimeter.id}/{perimeter.root}/"
    network = {
        "aws:SourceVpcArn": f"arn:aws:ec2:{REGION}:{perimeter.member}:vpc/{vpc}",
        "aws:VpceAccount": perimeter.member,
        "aws:VpceOrgID": perimeter.id,
        "aws:VpceOrgPaths": path,
    }
    present = {
        **network,
        "aws:PrincipalOrgID": perimeter.id,
        "aws:PrincipalOrgPaths": path,
        "aws:ResourceOrgID": perimeter.id,
        "aws:ResourceOrgPaths": path,
        "aws:ResourceAccount": perimeter.member,
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false",
    }
    absent = (
        *("aws:SourceOrgID", "aws:SourceOrgPaths", "aws:Ec2InstanceSourceVpc"),
        *("aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"),
    )
    conditions = {key: {"StringNotEquals": {key: value}} for key, value in present.items()}
    conditions |= {key: {"Null": {key: "false"}} for key in absent}
    outside = perimeter.s3(perimeter.keys)
    inside = perimeter.s3(perimeter.keys, perimeter.endpoint)
    for key, condition in conditions.items():
        unless = deny("s3:GetObject", resource="arn:aws:s3:::ours/*", Principal="*", Condition=condition)
        outside.put_bucket_policy(Bucket="ours", Policy=policy(unless))
        assert inside.get_object(Bucket="ours", Key="a")["Body"].read() == b"text", key
        if key in network:
            # Without an endpoint the key is absent, and the negated condition is true.
            assert refusal(outside.get_object, Bucket="ours", Key="a")[0] == "AccessDenied", key


def test_network_keys_come_from_the_socket_and_not_from_the_request(perimeter: Perimeter) -> None:
    """Headers and parameters that look like keys change nothing."""
    unless = deny(
        "s3:GetObject",
        resource="arn:aws:s3:::ours/*",
        Principal="*",
        Condition={"StringNotEquals": {"aws:VpceOrgID": perimeter.id}},
    )
    perimeter.s3(perimeter.keys).put_bucket_policy(Bucket="ours", Policy=policy(unless))
    s3 = perimeter.s3(perimeter.keys)

    def pretend(request: Any, **_: Any) -> None:
        request.headers["aws-VpceOrgID"] = perimeter.id
        request.headers["x-amz-source-vpce"] = perimeter.endpoint[1]
        request.headers["x-forwarded-for"] = "10.0.0.9"

    s3.meta.events.register("before-sign.s3.GetObject", pretend)
    assert refusal(s3.get_object, Bucket="ours", Key="a")[0] == "AccessDenied"


def test_a_caller_sees_that_the_organization_denied_but_not_its_policies(perimeter: Perimeter) -> None:
    perimeter.attach("SERVICE_CONTROL_POLICY", {**deny("s3:PutObject"), "Sid": "NoWrites"})
    s3 = perimeter.s3(perimeter.keys)
    with pytest.raises(s3.exceptions.ClientError) as raised:
        s3.put_object(Bucket="ours", Key="b", Body=b"")
    request_id = raised.value.response["ResponseMetadata"]["RequestId"]
    room = perimeter.world.room(perimeter.keys)
    (denial,) = room.explain_request(RequestId=request_id)["Denials"]
    (reason,) = denial["Because"]
    assert reason.startswith("statement 'NoWrites' of service control policy p-")
    assert denial["DecidingStatements"] == []
    assert "the organization" in denial["Withheld"]
