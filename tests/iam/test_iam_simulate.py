"""Simulations called with boto3: what policies would decide, and which context keys they use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
OBJECT = "arn:aws:s3:::corpus/a.txt"


def one(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["IsTruncated"] is False
    (result,) = answer["EvaluationResults"]
    return dict(result)


def test_an_allow_names_the_statement_by_policy_line_and_column(world: IamWorld) -> None:
    text = json.dumps(json.loads(policy(action="s3:Get*")), indent=2)
    result = one(world.client("iam").simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:GetObject"]))
    assert result["EvalDecision"] == "allowed"
    assert result["EvalResourceName"] == "*"
    assert result["MatchedStatements"] == [
        {
            "SourcePolicyId": "PolicyInputList.1",
            "SourcePolicyType": "IAM Policy",
            "StartPosition": {"Line": 3, "Column": 17},
            "EndPosition": {"Line": 8, "Column": 6},
        }
    ]
    assert result["MissingContextValues"] == []
    assert "ResourceSpecificResults" not in result
    assert "EvalDecisionDetails" not in result


def test_a_statement_in_one_line_is_found_by_its_column(world: IamWorld) -> None:
    allow = '{"Effect":"Allow","Action":"s3:*","Resource":"*"}'
    deny = '{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}'
    text = f'{{"Version":"2012-10-17","Statement":[{allow}, {deny}]}}'
    (match,) = one(world.client("iam").simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:DeleteObject"]))[
        "MatchedStatements"
    ]
    start, end = match["StartPosition"]["Column"], match["EndPosition"]["Column"]
    assert text[start - 1 : end - 1] == f" {deny}"
    alone = f'{{"Statement": {allow}, "Version":"2012-10-17"}}'
    (match,) = one(world.client("iam").simulate_custom_policy(PolicyInputList=[alone], ActionNames=["s3:GetObject"]))[
        "MatchedStatements"
    ]
    assert alone[match["StartPosition"]["Column"] - 1 : match["EndPosition"]["Column"] - 1] == allow.removeprefix("{")


def test_an_explicit_deny_shows_only_denies_and_an_implicit_one_nothing(world: IamWorld) -> None:
    texts = [policy(action="s3:*"), policy("Deny", "s3:DeleteObject")]
    answer = world.client("iam").simulate_custom_policy(
        PolicyInputList=texts, ActionNames=["s3:DeleteObject", "ec2:CreateVpc"]
    )
    denied, lacking = answer["EvaluationResults"]
    assert denied["EvalDecision"] == "explicitDeny"
    assert [match["SourcePolicyId"] for match in denied["MatchedStatements"]] == ["PolicyInputList.2"]
    assert (lacking["EvalDecision"], lacking["MatchedStatements"]) == ("implicitDeny", [])


def test_each_resource_has_a_result_and_the_total_is_the_most_restrictive(world: IamWorld) -> None:
    text = policy(action="s3:GetObject", resource=OBJECT)
    result = one(
        world.client("iam").simulate_custom_policy(
            PolicyInputList=[text], ActionNames=["s3:GetObject"], ResourceArns=[OBJECT, "arn:aws:s3:::other/b"]
        )
    )
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {}
    assert [(each["EvalResourceName"], each["EvalResourceDecision"]) for each in result["ResourceSpecificResults"]] == [
        (OBJECT, "allowed"),
        ("arn:aws:s3:::other/b", "implicitDeny"),
    ]


def test_used_but_missing_context_keys_are_reported(world: IamWorld) -> None:
    iam = world.client("iam")
    text = policy(
        action="s3:GetObject",
        resource="arn:aws:s3:::home/${aws:PrincipalTag/Team}/*",
        Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    )
    arguments: dict[str, Any] = {"PolicyInputList": [text], "ActionNames": ["s3:GetObject"]}
    assert one(iam.simulate_custom_policy(**arguments))["MissingContextValues"] == [
        "aws:PrincipalTag/Team",
        "aws:SourceIp",
    ]
    entries = [
        {"ContextKeyName": "AWS:sourceip", "ContextKeyType": "ip", "ContextKeyValues": ["10.1.2.3"]},
        {"ContextKeyName": "aws:PrincipalTag/Team", "ContextKeyType": "string", "ContextKeyValues": ["red"]},
    ]
    resource = "arn:aws:s3:::home/red/a"
    result = one(iam.simulate_custom_policy(**arguments, ContextEntries=entries, ResourceArns=[resource]))
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    assert one(iam.simulate_custom_policy(**arguments, ContextEntries=entries))["EvalDecision"] == "implicitDeny"


def test_a_list_key_has_all_its_values(world: IamWorld) -> None:
    text = policy(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}})
    arguments: dict[str, Any] = {"PolicyInputList": [text], "ActionNames": ["ec2:CreateTags"]}
    for values, outcome in ((["a", "b"], "allowed"), (["a", "c"], "implicitDeny")):
        entry = {"ContextKeyName": "aws:TagKeys", "ContextKeyType": "stringList", "ContextKeyValues": values}
        assert one(world.client("iam").simulate_custom_policy(**arguments, ContextEntries=[entry]))["EvalDecision"] == (
            outcome
        )


def test_a_limiting_boundary_is_reported(world: IamWorld) -> None:
    result = one(
        world.client("iam").simulate_custom_policy(
            PolicyInputList=[policy()],
            PermissionsBoundaryPolicyInputList=[policy(action="ec2:*")],
            ActionNames=["s3:GetObject"],
            ResourceArns=[OBJECT],
        )
    )
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    (specific,) = result["ResourceSpecificResults"]
    assert specific["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_a_deny_of_a_boundary_is_reported(world: IamWorld) -> None:
    world.client("iam").create_policy(PolicyName="limit", PolicyDocument=policy("Deny", "iam:CreateUser"))
    limit = f"arn:aws:iam::{ACCOUNT}:policy/limit"
    world.client("iam").create_user(UserName="alice", PermissionsBoundary=limit)
    result = one(world.client("iam").simulate_principal_policy(PolicySourceArn=ALICE, ActionNames=["iam:CreateUser"]))
    assert result["EvalDecision"] == "explicitDeny"
    (match,) = result["MatchedStatements"]
    assert (match["SourcePolicyId"], match["SourcePolicyType"]) == ("limit", "Permissions Boundary Policy")


def test_a_resource_policy_applies_to_the_given_caller(world: IamWorld) -> None:
    bucket_policy = json.dumps(
        {"Statement": {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "s3:GetObject", "Resource": OBJECT}}
    )
    arguments: dict[str, Any] = {
        "PolicyInputList": [policy(action="ec2:*")],
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [OBJECT],
        "ResourcePolicy": bucket_policy,
    }
    iam = world.client("iam")
    result = one(iam.simulate_custom_policy(**arguments, CallerArn=ALICE))
    assert result["EvalDecision"] == "allowed"
    (match,) = result["MatchedStatements"]
    assert (match["SourcePolicyId"], match["SourcePolicyType"]) == ("ResourcePolicy", "Resource Policy")
    bob = ALICE.replace("alice", "bob")
    assert one(iam.simulate_custom_policy(**arguments, CallerArn=bob))["EvalDecision"] == "implicitDeny"
    assert refusal(iam.simulate_custom_policy, **arguments)[0] == "InvalidInput"
    assert (
        refusal(iam.simulate_custom_policy, **arguments, CallerArn=f"arn:aws:iam::{ACCOUNT}:role/r")[0]
        == "InvalidInput"
    )


def test_across_accounts_each_side_is_reported_separately(world: IamWorld) -> None:
    bucket_policy = json.dumps(
        {"Statement": {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "s3:GetObject", "Resource": OBJECT}}
    )
    result = one(
        world.client("iam").simulate_custom_policy(
            PolicyInputList=[policy(action="ec2:*")],
            ActionNames=["s3:GetObject"],
            ResourceArns=[OBJECT],
            ResourcePolicy=bucket_policy,
            ResourceOwner="arn:aws:iam::444455556666:root",
            CallerArn=ALICE,
        )
    )
    assert result["EvalDecision"] == "implicitDeny"
    details = {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}
    assert result["EvalDecisionDetails"] == details
    assert result["ResourceSpecificResults"][0]["EvalDecisionDetails"] == details


def test_a_user_is_simulated_with_all_its_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "red"}])
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.put_group_policy(GroupName="readers", PolicyName="list", PolicyDocument=policy(action="s3:ListBucket"))
    own = policy(action="s3:GetObject", resource="arn:aws:s3:::home/${aws:username}/${aws:PrincipalTag/team}")
    iam.put_user_policy(UserName="alice", PolicyName="home", PolicyDocument=own)
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonVPCReadOnlyAccess")
    answer = iam.simulate_principal_policy(
        PolicySourceArn=ALICE,
        ActionNames=["s3:ListBucket", "s3:GetObject", "ec2:DescribeVpcs", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::home/alice/red"],
    )
    decided = [
        (result["EvalDecision"], [match["SourcePolicyId"] for match in result["MatchedStatements"]])
        for result in answer["EvaluationResults"]
    ]
    assert decided == [
        ("allowed", ["group_readers_list"]),
        ("allowed", ["user_alice_home"]),
        ("allowed", ["AmazonVPCReadOnlyAccess"]),
        ("implicitDeny", []),
    ]


def test_groups_and_roles_are_simulated_with_additional_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="list", PolicyDocument=policy(action="s3:ListBucket"))
    iam.create_role(RoleName="r", Path="/jobs/", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.put_role_policy(RoleName="r", PolicyName="list", PolicyDocument=policy(action="s3:ListBucket"))
    for kind in ("group/readers", "role/jobs/r"):
        arn = f"arn:aws:iam::{ACCOUNT}:{kind}"
        arguments: dict[str, Any] = {"PolicySourceArn": arn, "ActionNames": ["s3:ListBucket"]}
        assert one(iam.simulate_principal_policy(**arguments))["EvalDecision"] == "allowed"
        denied = one(iam.simulate_principal_policy(**arguments, PolicyInputList=[policy("Deny")]))
        assert denied["EvalDecision"] == "explicitDeny"


def test_a_boundary_in_the_request_replaces_the_users_own(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_policy(PolicyName="limit", PolicyDocument=policy(action="ec2:*"))
    iam.create_user(UserName="alice", PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/limit")
    iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=policy())
    arguments: dict[str, Any] = {"PolicySourceArn": ALICE, "ActionNames": ["s3:GetObject"]}
    assert one(iam.simulate_principal_policy(**arguments))["EvalDecision"] == "implicitDeny"
    wider = one(iam.simulate_principal_policy(**arguments, PermissionsBoundaryPolicyInputList=[policy()]))
    assert wider["EvalDecision"] == "allowed"


def test_actions_are_paged_in_the_given_order(world: IamWorld) -> None:
    iam = world.client("iam")
    actions = [f"s3:Operation{letter}" for letter in "zyxwv"]
    shown: list[str] = []
    marker: dict[str, str] = {}
    while True:
        answer = iam.simulate_custom_policy(PolicyInputList=[policy()], ActionNames=actions, MaxItems=2, **marker)
        shown += [result["EvalActionName"] for result in answer["EvaluationResults"]]
        if not answer["IsTruncated"]:
            break
        marker = {"Marker": answer["Marker"]}
    assert shown == actions


@pytest.mark.costs(0.45, reason="5,000 decisions are simulated")
def test_many_resources_make_shorter_pages(world: IamWorld) -> None:
    resources = [f"arn:aws:s3:::corpus/{number}" for number in range(250)]
    pages = world.client("iam").get_paginator("simulate_custom_policy")
    found = pages.paginate(
        PolicyInputList=[policy()], ActionNames=[f"s3:Operation{n}" for n in range(20)], ResourceArns=resources
    )
    sizes = [len(answer["EvaluationResults"]) for answer in found]
    assert sizes == [8, 8, 4]


def test_context_keys_are_listed_once_as_written(world: IamWorld) -> None:
    iam = world.client("iam")
    first = policy(
        resource="arn:aws:s3:::home/${aws:username, 'nobody'}/*", Condition={"Bool": {"aws:SecureTransport": "true"}}
    )
    second = policy(
        Condition={
            "StringLike": {"aws:PrincipalTag/Team": "${aws:ResourceTag/Team}"},
            "Null": {"AWS:securetransport": "false"},
        }
    )
    keys = ["aws:PrincipalTag/Team", "aws:ResourceTag/Team", "aws:SecureTransport", "aws:username"]
    answer = iam.get_context_keys_for_custom_policy(PolicyInputList=[first, second])
    assert answer["ContextKeyNames"] == keys
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=first)
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=ALICE, PolicyInputList=[second])[
        "ContextKeyNames"
    ] == (keys)
    old = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"}})
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[old])["ContextKeyNames"] == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        pytest.param({"ActionNames": ["GetObject"]}, "Invalid Action Name", id="an action without a vendor"),
        pytest.param({"ActionNames": ["s3:*"]}, "Invalid Action Name", id="an action with a wildcard"),
        pytest.param({"PolicyInputList": ["{"]}, "PolicyInputList.1: Syntax errors in policy.", id="no policy"),
        pytest.param({"ResourceArns": ["corpus"]}, "ResourceNames are not in a valid ARN format: corpus.", id="no ARN"),
        pytest.param({"ResourceOwner": ACCOUNT}, f"'{ACCOUNT}' is not a valid as a Resource Owner.", id="no owner"),
        pytest.param(
            {"CallerArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"},
            "does not clearly define entity type and name.",
            id="a session as caller",
        ),
        pytest.param({"PermissionsBoundaryPolicyInputList": [policy(), policy()]}, "Only one", id="two boundaries"),
        pytest.param(
            {"ContextEntries": [{"ContextKeyName": "aws:k", "ContextKeyType": "numeric", "ContextKeyValues": ["ten"]}]},
            "Invalid Context Entry: aws:k is of type numeric",
            id="a number that is none",
        ),
        pytest.param(
            {
                "ContextEntries": [
                    {"ContextKeyName": "aws:k", "ContextKeyType": "string", "ContextKeyValues": ["a", "b"]}
                ]
            },
            "Invalid Context Entry: aws:k is of type string and has 2 values.",
            id="two values of one",
        ),
        pytest.param({"ResourceArns": [f"arn:aws:s3:::b/{n}" for n in range(251)]}, "at most 250", id="too much"),
    ],
)
def test_invalid_simulations_are_refused(world: IamWorld, parameters: dict[str, Any], message: str) -> None:
    call = world.client("iam").simulate_custom_policy
    given = {"PolicyInputList": [policy()], "ActionNames": ["s3:GetObject"], **parameters}
    code, said, status = refusal(call, **given)
    assert (code, status) == ("InvalidInput", 400)
    assert message in said


@pytest.mark.costs(0.2, reason="an entity with policies of every sort is made and simulated")
def test_policies_of_the_entity_can_be_excluded(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="list", PolicyDocument=policy(action="s3:GetA"))
    mine = iam.create_policy(PolicyName="mine", PolicyDocument=policy(action="s3:GetB"))["Policy"]["Arn"]
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy("Allow", "s3:*"))["Policy"]["Arn"]
    iam.create_user(UserName="alice", PermissionsBoundary=bound)
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn=mine)
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AmazonVPCReadOnlyAccess")
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=policy(action=["s3:GetC", "logs:GetD"]))
    actions = ["s3:GetA", "s3:GetB", "s3:GetC", "ec2:DescribeVpcs", "logs:GetD"]
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"

    def allowed(*without: dict[str, Any]) -> str:
        answer = iam.simulate_principal_policy(
            PolicySourceArn=alice, ActionNames=actions, PolicyExclusionList=list(without)
        )
        return "".join(
            letter
            for letter, result in zip("ABCVD", answer["EvaluationResults"], strict=True)
            if result["EvalDecision"] == "allowed"
        )

    assert allowed() == "ABC"
    assert allowed({"PolicyType": "permission-boundary"}) == "ABCVD"
    assert allowed({"PolicyType": "permission-boundary"}, {"PolicyType": "aws-managed"}) == "ABCD"
    assert allowed({"PolicyType": "inline"}) == "B"
    assert allowed({"PolicyType": "user-managed"}) == "AC"
    assert allowed({"PolicyType": "scp"}) == "ABC"
    assert allowed({"PolicyArn": mine}) == "AC"
    assert allowed({"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/m?n*"}) == "AC"
    assert allowed({"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/other"}) == "ABC"
    # A boundary is not attached, so its ARN does not name it.
    assert allowed({"PolicyArn": bound}) == "ABC"
    of_group = {"PolicyName": "list", "AttachmentType": "group", "AttachmentName": "readers"}
    assert allowed({"InlinePolicyIdentifier": of_group}) == "BC"
    assert allowed({"InlinePolicyIdentifier": {**of_group, "AttachmentType": "user"}}) == "ABC"
    for wrong in ("arn:aws:s3:::bucket/policy/x", f"arn:aws:iam::{ACCOUNT}:policy/a*b*", "arn:aws:iam::*:policy/mine"):
        code, message, _ = refusal(
            iam.simulate_principal_policy,
            PolicySourceArn=alice,
            ActionNames=actions,
            PolicyExclusionList=[{"PolicyArn": wrong}],
        )
        assert (code, wrong in message) == ("InvalidInput", True)


def test_parameters_without_effect_here_are_refused(world: IamWorld) -> None:
    iam = world.client("iam")
    arguments: dict[str, Any] = {"PolicyInputList": [policy()], "ActionNames": ["s3:GetObject"]}
    handling = refusal(iam.simulate_custom_policy, **arguments, ResourceHandlingOption="EC2-VPC-EBS")
    assert handling[:2] == ("ValidationError", "The parameter ResourceHandlingOption is not supported")


def test_only_entities_of_the_callers_account_can_be_simulated(world: IamWorld) -> None:
    iam = world.client("iam")
    arguments: dict[str, Any] = {"ActionNames": ["s3:GetObject"]}
    foreign = "arn:aws:iam::444455556666:user/alice"
    for arn in (foreign, f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"):
        code, message, _ = refusal(iam.simulate_principal_policy, PolicySourceArn=arn, **arguments)
        assert (code, message) == (
            "InvalidInput",
            f"Invalid Entity Arn: {arn} does not clearly define entity type and name.",
        )
    assert refusal(iam.simulate_principal_policy, PolicySourceArn=ALICE, **arguments)[:2] == (
        "NoSuchEntity",
        "The user with name alice cannot be found.",
    )


def test_simulating_an_entity_requires_permission_on_it(world: IamWorld) -> None:
    world.user("bob")
    key = world.user(
        "alice",
        policy(action=["iam:SimulatePrincipalPolicy", "iam:GetContextKeysForPrincipalPolicy"], resource=ALICE),
    )
    iam = world.client("iam", **key)
    arguments: dict[str, Any] = {"ActionNames": ["s3:GetObject"]}
    assert iam.simulate_principal_policy(PolicySourceArn=ALICE, **arguments)["EvaluationResults"]
    bob = ALICE.replace("alice", "bob")
    for call, more in ((iam.simulate_principal_policy, arguments), (iam.get_context_keys_for_principal_policy, {})):
        code, message, _ = refusal(call, PolicySourceArn=bob, **more)
        assert code == "AccessDenied"
        assert f"on resource: {bob} because no identity-based policy allows" in message
    assert refusal(iam.simulate_custom_policy, PolicyInputList=[policy()], **arguments)[0] == "AccessDenied"
