"""CheckJob's changes: the calls suffice, add only what is missing, and loosen no policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import xform_name

from tests.worlds.extension import (
    ACCOUNT,
    FOR_NETWORK,
    FOR_STORAGE,
    ExtensionWorld,
    allow,
    deny,
    policy,
    trust,
)

pytestmark = pytest.mark.costs(0.3, reason="the whole product is made, with a network, a bucket and a role")


def failures(checks: dict[str, dict[str, Any]]) -> list[str]:
    """Return the names of the checks that failed."""
    return [name for name, check in checks.items() if check["Status"] == "FAILED"]


def apply(world: ExtensionWorld, check: dict[str, Any]) -> None:
    """Make the calls of a check with the administrator's key, as the console does."""
    for change in check["Changes"]:
        client, request = world.client(change["Service"]), json.loads(change["Request"])
        if "Statement" in change:
            statement = json.loads(change["Statement"])
            if change["Operation"] == "ModifyVpcEndpoint":
                answer = client.describe_vpc_endpoints(VpcEndpointIds=[request["VpcEndpointId"]])["VpcEndpoints"][0]
                before = json.loads(answer["PolicyDocument"])
            else:
                before = client.get_role(RoleName=request["RoleName"])["Role"]["AssumeRolePolicyDocument"]
            after = json.dumps({**before, "Statement": [*before["Statement"], statement]})
            request["PolicyDocument"] = after
        getattr(client, xform_name(change["Operation"]))(**request)


def test_the_changes_fix_names_routes_and_groups(world: ExtensionWorld) -> None:
    ec2 = world.client("ec2")
    ec2.delete_vpc_endpoints(VpcEndpointIds=[world.endpoint])
    ec2.modify_vpc_attribute(VpcId=world.vpc, EnableDnsSupport={"Value": False})
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=world.group, IpPermissions=everything)
    checks = world.checks()
    for name in failures(checks):
        apply(world, checks[name])
    assert failures(world.checks()) == []


def test_the_changes_let_the_containers_of_a_job_reach_each_other(world: ExtensionWorld) -> None:
    three = [{"Key": "reading-room:containers", "Value": "3"}]
    checks = world.checks(Tags=three)
    assert failures(checks) == ["Containers"]
    apply(world, checks["Containers"])
    assert failures(world.checks(Tags=three)) == []


def test_the_changes_let_a_job_into_the_group_of_an_interface_endpoint(world: ExtensionWorld) -> None:
    closed = world.closed_endpoint()
    checks = world.checks()
    assert failures(checks) == ["SecurityGroups"]
    assert closed in str(checks["SecurityGroups"]["Changes"])
    apply(world, checks["SecurityGroups"])
    assert failures(world.checks()) == []


def test_adding_the_service_keeps_the_rest_of_a_trust_policy(world: ExtensionWorld) -> None:
    iam = world.client("iam")
    iam.update_assume_role_policy(RoleName="Reader", PolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    apply(world, world.checks()["Role"])
    assert failures(world.checks()) == []
    statements = iam.get_role(RoleName="Reader")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert [each["Principal"]["Service"] for each in statements] == ["ec2.amazonaws.com", "comprehend.amazonaws.com"]
    apply(world, world.checks(DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/New")["Role"])
    assert world.checks(DataAccessRoleArn=f"arn:aws:iam::{ACCOUNT}:role/New")["Role"]["Status"] == "PASSED"


def test_permissions_for_another_job_keep_those_of_an_earlier_one(world: ExtensionWorld) -> None:
    world.allow_role(FOR_NETWORK)
    for place in ("in/", "more/"):
        world.client("s3").put_object(Bucket="papers", Key=f"{place}one", Body=b"text")
        changed: dict[str, Any] = {"InputDataConfig": {"S3Uri": f"s3://papers/{place}"}}
        while wrong := failures(world.checks(**changed)):
            apply(world, world.checks(**changed)[wrong[0]])
    assert failures(world.checks()) == []
    world.allow_role(FOR_NETWORK, FOR_STORAGE, deny("s3:GetObject"), deny("ec2:CreateNetworkInterface"))
    checks = world.checks()
    assert failures(checks) == ["RoleNetworkActions", "Input"]
    assert not any("Changes" in check for check in checks.values()), "what a statement denies is not added"


def test_an_endpoint_policy_gets_only_what_it_lacks(world: ExtensionWorld) -> None:
    ec2 = world.client("ec2")
    other = policy(allow("s3:*", resource=["arn:aws:s3:::other", "arn:aws:s3:::other/*"], Principal="*"))
    ec2.modify_vpc_endpoint(VpcEndpointId=world.endpoint, PolicyDocument=other)
    apply(world, world.checks()["EndpointPolicy"])
    checks = world.checks()
    assert failures(checks) == []
    assert checks["EndpointPolicy"]["Status"] == "PASSED", "and nothing warns of others who are let in"
    document = ec2.describe_vpc_endpoints(VpcEndpointIds=[world.endpoint])["VpcEndpoints"][0]["PolicyDocument"]
    assert len(json.loads(document)["Statement"]) == 2
    ec2.modify_vpc_endpoint(VpcEndpointId=world.endpoint, PolicyDocument=policy(deny("s3:*", Principal="*")))
    assert "Changes" not in world.checks()["EndpointPolicy"]


def test_a_training_gets_access_to_its_model_bucket_through_the_endpoint(world: ExtensionWorld) -> None:
    request = world.training()
    nothing = policy(allow("s3:GetObject", resource="arn:aws:s3:::nothing/*", Principal="*"))
    world.client("ec2").modify_vpc_endpoint(VpcEndpointId=world.endpoint, PolicyDocument=nothing)
    while wrong := failures(world.checks(operation="CreateDocumentClassifier", request=request)):
        assert wrong == ["EndpointPolicy"]
        apply(world, world.checks(operation="CreateDocumentClassifier", request=request)["EndpointPolicy"])
    checks = world.checks(operation="CreateDocumentClassifier", request=request)
    assert (checks["Model"]["Status"], checks["EndpointPolicy"]["Status"]) == ("PASSED", "PASSED")


def test_a_role_that_requires_a_vpc_gets_the_vpc_as_remedy(world: ExtensionWorld) -> None:
    inside = {"StringEquals": {"aws:SourceVpc": world.vpc}}
    world.allow_role(FOR_NETWORK, allow("s3:ListBucket", "s3:GetObject", "s3:PutObject", Condition=inside))
    assert failures(world.checks()) == []
    checks = world.checks(VpcConfig=None)
    assert failures(checks) == ["Input", "Output"]
    for name in ("Input", "Output"):
        assert f"Choose the VPC {world.vpc}" in checks[name]["Remedy"]
        assert checks[name]["ResourceId"] == world.vpc
        assert not {"Command", "Changes"} & set(checks[name])


def test_a_bucket_that_requires_an_endpoint_gets_its_vpc_as_remedy(world: ExtensionWorld) -> None:
    outside = {"StringNotEquals": {"aws:SourceVpce": world.endpoint}}
    denial = deny("s3:*", resource=["arn:aws:s3:::papers/*"], Principal="*", Condition=outside)
    world.client("s3").put_bucket_policy(Bucket="papers", Policy=policy(denial))
    answer = world.checks(VpcConfig=None)["BucketPolicy"]
    assert (answer["Status"], answer["ResourceId"]) == ("FAILED", world.vpc)
    assert f"Choose the VPC {world.vpc}" in answer["Remedy"]


def test_a_caller_whose_policy_requires_a_vpc_gets_one_as_remedy(world: ExtensionWorld) -> None:
    without = deny("comprehend:*", Condition={"Null": {"comprehend:VpcSubnets": "true"}})
    key = world.user("inside", allow("comprehend:*", "iam:PassRole"), without)
    assert failures(world.checks(key)) == []
    answer = world.checks(key, VpcConfig=None)["Caller"]
    assert answer["Status"] == "FAILED"
    assert f"Choose the VPC {world.vpc}" in answer["Remedy"]
    assert answer["ResourceId"] == world.vpc
    nobody = world.user("nobody", allow("iam:PassRole"))
    assert "Choose the VPC" not in world.checks(nobody)["Caller"]["Remedy"]
