"""Authorization of a call: each service's own denial, passed roles, and EC2's dry run."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.errors import AwsError
from reading_room.aws.operations import OperationFacts, PassedRole, any_resource, no_context
from reading_room.iam.authorizer import EndpointPolicy, PolicyAuthorizer
from reading_room.iam.errors import ServiceUnavailable
from reading_room.iam.principals import root_principal, service_principal
from tests.worlds.iam import ACCOUNT, REGION, IamWorld, policy

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
VPC = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"


def facts(service: str, name: str, **changes: Any) -> OperationFacts:
    values: dict[str, Any] = {
        "service": service,
        "name": name,
        "action": f"{service}:{name}",
        "resources": any_resource,
        "context": no_context,
        "passed_role": None,
        "authorized": True,
        **changes,
    }
    return OperationFacts(**values)


def principal(world: IamWorld, document: str | None) -> Principal:
    key = world.user("alice", document)
    credential = world.credentials.find(key["access_key_id"])
    assert credential is not None
    return credential.principal


def call(who: Principal, service: str, operation: str, **parameters: Any) -> Call:
    path = NetworkPath(source_ip="192.0.2.7")
    return Call(service, operation, parameters, who, ACCOUNT, REGION, path, "request-1")


@pytest.mark.parametrize(
    ("service", "operation", "code", "status", "opening"),
    [
        (
            "ec2",
            "DescribeVpcs",
            "UnauthorizedOperation",
            403,
            "You are not authorized to perform this operation. User: ",
        ),
        ("comprehend", "ListEntitiesDetectionJobs", "AccessDeniedException", 400, "User: "),
        ("logs", "DescribeLogGroups", "AccessDeniedException", 400, "User: "),
        ("iam", "ListRoles", "AccessDenied", 403, "User: "),
    ],
)
def test_each_service_has_its_own_denial(
    world: IamWorld, service: str, operation: str, code: str, status: int, opening: str
) -> None:
    alice = principal(world, None)
    with pytest.raises(AwsError) as error:
        world.authorizer.authorize(call(alice, service, operation), facts(service, operation))
    assert (error.value.code, error.value.status) == (code, status)
    assert error.value.message.startswith(opening)
    assert f"because no identity-based policy allows the {service}:{operation} action" in error.value.message


def test_a_denial_is_logged_with_its_statement(world: IamWorld, caplog: pytest.LogCaptureFixture) -> None:
    document = json.loads(policy())
    document["Statement"].append({"Sid": "NoVpcs", "Effect": "Deny", "Action": "ec2:*Vpc*", "Resource": "*"})
    alice = principal(world, json.dumps(document))
    with caplog.at_level(logging.INFO), pytest.raises(AwsError, match="with an explicit deny in an identity-based"):
        world.authorizer.authorize(call(alice, "ec2", "DescribeVpcs"), facts("ec2", "DescribeVpcs"))
    assert "request-1 ec2:DescribeVpcs" in caplog.text
    assert "statement 'NoVpcs' of identity-based policy 'only'" in caplog.text


def test_every_resource_of_a_call_must_be_allowed(world: IamWorld) -> None:
    alice = principal(world, policy("Allow", "ec2:DeleteVpc", VPC))
    one = facts("ec2", "DeleteVpc", resources=lambda _: (VPC,))
    two = facts("ec2", "DeleteVpc", resources=lambda _: (VPC, VPC + "2"))
    world.authorizer.authorize(call(alice, "ec2", "DeleteVpc"), one)
    with pytest.raises(AwsError, match="vpc/vpc-12"):
        world.authorizer.authorize(call(alice, "ec2", "DeleteVpc"), two)


def test_the_operations_own_condition_keys_decide(world: IamWorld) -> None:
    condition = {"StringEquals": {"ec2:Vpc": VPC}, "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    alice = principal(world, policy("Allow", "ec2:CreateSubnet", Condition=condition))
    right = facts("ec2", "CreateSubnet", context=lambda _: {"ec2:Vpc": (VPC,)})
    wrong = facts("ec2", "CreateSubnet", context=lambda _: {"ec2:Vpc": (VPC + "2",)})
    world.authorizer.authorize(call(alice, "ec2", "CreateSubnet"), right)
    with pytest.raises(AwsError):
        world.authorizer.authorize(call(alice, "ec2", "CreateSubnet"), wrong)


START = facts(
    "comprehend",
    "StartEntitiesDetectionJob",
    passed_role=PassedRole("DataAccessRoleArn", "comprehend.amazonaws.com"),
)


def start(who: Principal, role: str = ROLE) -> Call:
    return call(who, "comprehend", "StartEntitiesDetectionJob", DataAccessRoleArn=role)


def test_passing_a_role_requires_a_permission(world: IamWorld) -> None:
    alice = principal(world, policy("Allow", "comprehend:*"))
    with pytest.raises(AwsError) as error:
        world.authorizer.authorize(start(alice), START)
    assert error.value.code == "AccessDeniedException"
    assert error.value.message == (
        f"User: {alice.arn} is not authorized to perform: iam:PassRole on resource: {ROLE} "
        "because no identity-based policy allows the iam:PassRole action"
    )


@pytest.mark.parametrize(("service", "allowed"), [("comprehend.amazonaws.com", True), ("ec2.amazonaws.com", False)])
def test_a_role_may_be_passed_to_one_service_only(world: IamWorld, service: str, allowed: bool) -> None:
    document = json.loads(policy("Allow", "comprehend:*"))
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ROLE,
            "Condition": {"StringEquals": {"iam:PassedToService": service}},
        }
    )
    alice = principal(world, json.dumps(document))
    if allowed:
        world.authorizer.authorize(start(alice), START)
        return
    with pytest.raises(AwsError, match="iam:PassRole"):
        world.authorizer.authorize(start(alice), START)


def test_a_role_of_another_account_is_never_passed(world: IamWorld) -> None:
    alice = principal(world, policy())
    with pytest.raises(AwsError, match="Cross-account pass role is not allowed"):
        world.authorizer.authorize(start(alice, "arn:aws:iam::444455556666:role/Reader"), START)


def test_a_dry_run_ends_after_the_decision(world: IamWorld) -> None:
    alice = principal(world, policy("Allow", "ec2:DescribeVpcs"))
    with pytest.raises(AwsError) as error:
        world.authorizer.authorize(call(alice, "ec2", "DescribeVpcs", DryRun=True), facts("ec2", "DescribeVpcs"))
    assert (error.value.code, error.value.status) == ("DryRunOperation", 412)
    with pytest.raises(AwsError) as error:
        world.authorizer.authorize(call(alice, "ec2", "CreateVpc", DryRun=True), facts("ec2", "CreateVpc"))
    assert error.value.code == "UnauthorizedOperation"


def test_the_root_user_needs_no_policy_in_its_own_account(world: IamWorld) -> None:
    world.authorizer.authorize(call(root_principal(ACCOUNT), "ec2", "CreateVpc"), facts("ec2", "CreateVpc"))


def test_a_service_has_only_the_permissions_of_the_resource_policy(world: IamWorld) -> None:
    delivery = service_principal("delivery.logs.amazonaws.com")
    allow = policy(
        action="s3:PutObject",
        resource="arn:aws:s3:::logs/AWSLogs/*",
        Principal={"Service": "delivery.logs.amazonaws.com"},
    )
    question: dict[str, Any] = {
        "principal": delivery,
        "action": "s3:PutObject",
        "context": {},
        "resource_policy": allow,
        "resource_account": ACCOUNT,
    }
    assert world.authorizer.decide(resource="arn:aws:s3:::logs/AWSLogs/x", **question).allowed
    assert not world.authorizer.decide(resource="arn:aws:s3:::logs/other", **question).allowed
    assert not world.authorizer.decide(
        resource="arn:aws:s3:::logs/AWSLogs/x", **{**question, "resource_policy": None}
    ).allowed


def test_an_endpoint_policy_applies_to_calls_through_the_endpoint(world: IamWorld) -> None:
    alice = principal(world, policy())
    known = {"vpce-1": EndpointPolicy(policy("Allow", "s3:GetObject", Principal="*"), gateway=True)}
    authorizer = PolicyAuthorizer(
        database=world.database, region=REGION, clock=world.clock, endpoint_policies=known.get
    )
    question: dict[str, Any] = {
        "principal": alice,
        "resource": "arn:aws:s3:::b/k",
        "context": {"aws:SourceVpce": ("vpce-1",)},
        "resource_account": ACCOUNT,
    }
    assert authorizer.decide(action="s3:GetObject", path=NetworkPath(vpc_endpoint_id="vpce-1"), **question).allowed
    denied = authorizer.decide(action="s3:PutObject", path=NetworkPath(vpc_endpoint_id="vpce-1"), **question)
    assert denied.message(quote_resource=True) == (
        f'User: {alice.arn} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b/k" '
        "because no VPC endpoint policy allows the s3:PutObject action"
    )
    assert authorizer.decide(action="s3:PutObject", **question).allowed
    # A deleted endpoint lets nothing through. No policy denies the call, and a retry finds no route to the endpoint.
    with pytest.raises(ServiceUnavailable, match="vpce-2 was deleted") as gone:
        authorizer.decide(action="s3:GetObject", path=NetworkPath(vpc_endpoint_id="vpce-2"), **question)
    assert gone.value.status == 503


def test_an_account_in_an_endpoint_policy_means_root_on_gateways_and_all_on_interfaces(
    world: IamWorld,
) -> None:
    alice = principal(world, policy())
    text = policy("Allow", "*", Principal={"AWS": ACCOUNT})
    known = {"vpce-g": EndpointPolicy(text, gateway=True), "vpce-i": EndpointPolicy(text, gateway=False)}
    authorizer = PolicyAuthorizer(
        database=world.database, region=REGION, clock=world.clock, endpoint_policies=known.get
    )
    question: dict[str, Any] = {
        "principal": alice,
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::b/k",
        "context": {},
        "resource_account": ACCOUNT,
    }
    assert not authorizer.decide(path=NetworkPath(vpc_endpoint_id="vpce-g"), **question).allowed
    assert authorizer.decide(path=NetworkPath(vpc_endpoint_id="vpce-i"), **question).allowed


def test_tags_of_caller_role_and_request_decide(world: IamWorld) -> None:
    admin = world.client("iam")
    trust = policy(action="sts:AssumeRole", resource=None, Principal={"AWS": ACCOUNT}).replace('"Resource": null, ', "")
    admin.create_role(RoleName="Own", AssumeRolePolicyDocument=trust, Tags=[{"Key": "team", "Value": "red"}])
    admin.create_role(RoleName="Other", AssumeRolePolicyDocument=trust, Tags=[{"Key": "team", "Value": "blue"}])
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    document = json.loads(policy("Allow", "iam:GetRole", Condition=same))
    document["Statement"].append(
        {
            "Effect": "Allow",
            "Action": "iam:CreateUser",
            "Resource": "*",
            "Condition": {
                "ForAllValues:StringEquals": {"aws:TagKeys": "team"},
                "Null": {"aws:RequestTag/team": "false"},
            },
        }
    )
    admin.create_user(UserName="red", Tags=[{"Key": "team", "Value": "red"}])
    admin.put_user_policy(UserName="red", PolicyName="p", PolicyDocument=json.dumps(document))
    key = admin.create_access_key(UserName="red")["AccessKey"]
    iam = world.client("iam", access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    iam.get_role(RoleName="Own")
    with pytest.raises(ClientError, match="AccessDenied"):
        iam.get_role(RoleName="Other")
    iam.create_user(UserName="new", Tags=[{"Key": "team", "Value": "red"}])
    for tags in ([], [{"Key": "team", "Value": "red"}, {"Key": "cost", "Value": "1"}]):
        with pytest.raises(ClientError, match="AccessDenied"):
            iam.create_user(UserName="newer", Tags=tags)
