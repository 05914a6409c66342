"""Calls of members, the management account and strangers under the policies of an organization."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.role_sessions import assume_for_service
from tests.worlds.iam import ACCOUNT, policy, refusal, trust
from tests.worlds.organizations import FULL, MEMBER, OrganizationWorld

STRANGER = "777788889999"
RCP = "RESOURCE_CONTROL_POLICY"
NO_USERS = {"Sid": "NoUsers", "Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"}


def test_a_service_control_policy_denies_members_and_not_the_management_account(world: OrganizationWorld) -> None:
    root = world.organization()
    iam = world.member()("iam")
    iam.create_user(UserName="before")
    policy_id = world.attach(root, "no-users", NO_USERS)
    code, message, _ = refusal(iam.create_user, UserName="ann")
    arn = f"arn:aws:iam::{MEMBER}:user/administrator"
    assert (code, message) == (
        "AccessDenied",
        f"User: {arn} is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::{MEMBER}:user/ann "
        "with an explicit deny in a service control policy",
    )
    world.client("iam").create_user(UserName="ann")
    world.organizations.detach_policy(PolicyId=policy_id, TargetId=root)
    iam.create_user(UserName="ann")


def test_every_level_from_the_root_to_the_account_must_allow(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    iam = world.member()("iam")
    world.attach(unit, "only-sts", {"Effect": "Allow", "Action": "sts:*", "Resource": "*"})
    world.organizations.detach_policy(PolicyId=FULL, TargetId=unit)
    iam.list_users()
    world.organizations.move_account(AccountId=MEMBER, SourceParentId=root, DestinationParentId=unit)
    code, message, _ = refusal(iam.list_users)
    assert code == "AccessDenied"
    assert message.endswith("because no service control policy allows the iam:ListUsers action")
    world.organizations.attach_policy(PolicyId=FULL, TargetId=unit)
    iam.list_users()


def test_changes_of_a_policy_and_of_membership_apply_at_once(world: OrganizationWorld) -> None:
    root = world.organization()
    clients = world.member()
    iam = clients("iam")
    policy_id = world.attach(root, "no-users", NO_USERS)
    assert refusal(iam.create_user, UserName="ann")[0] == "AccessDenied"
    content = json.dumps({"Version": "2012-10-17", "Statement": [{**NO_USERS, "Action": "iam:CreateGroup"}]})
    world.organizations.update_policy(PolicyId=policy_id, Content=content)
    iam.create_user(UserName="ann")
    assert refusal(iam.create_group, GroupName="all")[0] == "AccessDenied"
    clients("organizations").leave_organization()
    iam.create_group(GroupName="all")


def test_role_sessions_and_federated_users_are_limited_too(world: OrganizationWorld) -> None:
    root = world.organization()
    clients = world.member()
    role = clients("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": MEMBER}))["Role"]
    clients("iam").put_role_policy(RoleName="reader", PolicyName="all", PolicyDocument=policy())
    assumed = clients("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="one")["Credentials"]
    federated = clients("sts").get_federation_token(Name="bob", Policy=policy())["Credentials"]
    callers = [
        world.process.client(
            "organizations",
            access_key_id=keys["AccessKeyId"],
            secret_access_key=keys["SecretAccessKey"],
            session_token=keys["SessionToken"],
        )
        for keys in (assumed, federated)
    ]
    for caller in callers:
        caller.describe_organization()
    world.attach(root, "no-looking", {"Effect": "Deny", "Action": "organizations:Describe*", "Resource": "*"})
    for caller in callers:
        assert "service control policy" in refusal(caller.describe_organization)[1]
    world.attach(root, "no-tokens", {"Effect": "Deny", "Action": "sts:GetSessionToken", "Resource": "*"})
    assert "service control policy" in refusal(clients("sts").get_session_token)[1]


def test_nobody_escapes_by_the_path_of_a_service_linked_role(world: OrganizationWorld) -> None:
    """There are no service-linked roles here, so no role of an account is exempt."""
    root = world.organization()
    clients = world.member()
    made = clients("iam").create_role(
        RoleName="AWSServiceRoleForNothing",
        Path="/aws-service-role/nothing.amazonaws.com/",
        AssumeRolePolicyDocument=trust({"AWS": MEMBER}),
    )["Role"]
    clients("iam").put_role_policy(RoleName=made["RoleName"], PolicyName="all", PolicyDocument=policy())
    keys = clients("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="one")["Credentials"]
    iam = world.process.client(
        "iam",
        access_key_id=keys["AccessKeyId"],
        secret_access_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
    world.attach(root, "no-users", NO_USERS)
    assert refusal(iam.create_user, UserName="ann")[0] == "AccessDenied"


ONLY_OURS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sts:AssumeRole",
    "Resource": "*",
    "Condition": {
        "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    },
}


def test_a_resource_control_policy_keeps_strangers_from_the_roles_of_members(world: OrganizationWorld) -> None:
    root = world.organization()
    member = world.member()
    stranger = world.account(STRANGER)
    open_to_all = trust({"AWS": "*"})
    roles = [
        clients("iam").create_role(RoleName="open", AssumeRolePolicyDocument=open_to_all)["Role"]["Arn"]
        for clients in (member, world.client)
    ]
    for arn in roles:
        stranger("sts").assume_role(RoleArn=arn, RoleSessionName="one")
    world.attach(root, "only-ours", ONLY_OURS, kind=RCP)
    of_member, of_management = roles
    assert refusal(stranger("sts").assume_role, RoleArn=of_member, RoleSessionName="two")[0] == "AccessDenied"
    member("sts").assume_role(RoleArn=of_member, RoleSessionName="two")
    world.client("sts").assume_role(RoleArn=of_member, RoleSessionName="two")
    # The resources of the management account are not guarded.
    stranger("sts").assume_role(RoleArn=of_management, RoleSessionName="two")


def test_a_resource_control_policy_concerns_the_services_that_have_them(world: OrganizationWorld) -> None:
    root = world.organization()
    iam = world.member()("iam")
    guard = {"Effect": "Deny", "Principal": "*", "Action": ["iam:*", "sts:*"], "Resource": "*"}
    world.attach(root, "guard", guard, kind=RCP)
    iam.list_users()


def test_a_service_assumes_a_role_for_resources_of_the_organization_only(world: OrganizationWorld) -> None:
    root = world.organization()
    member = world.member()
    service = "comprehend.amazonaws.com"
    role = member("iam").create_role(RoleName="data", AssumeRolePolicyDocument=trust({"Service": service}))["Role"][
        "Arn"
    ]
    deputy = {
        "Sid": "NoConfusedDeputy",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sts:*",
        "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:SourceOrgID": "${aws:ResourceOrgID}"},
            "Null": {"aws:SourceAccount": "false"},
            "Bool": {"aws:PrincipalIsAWSService": "true"},
        },
    }
    world.attach(root, "deputy", deputy, kind=RCP)

    def assume(account: str) -> Any:
        return assume_for_service(
            world.database, role, service, "job", world.clock, source_account=account, organization=world.current
        )

    assume(MEMBER)
    assume(ACCOUNT)
    with pytest.raises(RoleNotAssumable, match="'NoConfusedDeputy' of resource control policy"):
        assume(STRANGER)


def test_conditions_on_the_place_of_the_caller(world: OrganizationWorld) -> None:
    root = world.organization()
    unit = world.unit(root, "papers")
    member = world.member()
    organization_id = world.organizations.describe_organization()["Organization"]["Id"]
    path = f"{organization_id}/{root}/{unit}/"
    below = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{organization_id}/*/{unit}/*"}}
    role = world.client("iam").create_role(
        RoleName="for-papers", AssumeRolePolicyDocument=trust({"AWS": "*"}, Condition=below)
    )["Role"]["Arn"]
    assert refusal(member("sts").assume_role, RoleArn=role, RoleSessionName="one")[0] == "AccessDenied"
    world.organizations.move_account(AccountId=MEMBER, SourceParentId=root, DestinationParentId=unit)
    member("sts").assume_role(RoleArn=role, RoleSessionName="one")
    place = world.current().place(MEMBER)  # type: ignore[union-attr]
    assert place is not None
    assert place.principal_keys == {
        "aws:PrincipalOrgID": (organization_id,),
        "aws:PrincipalOrgPaths": (path,),
    }


def test_simulations_say_what_the_organization_decides(world: OrganizationWorld) -> None:
    root = world.organization()
    iam = world.member()("iam")
    source = f"arn:aws:iam::{MEMBER}:user/administrator"

    def simulated(*actions: str) -> dict[str, tuple[str, bool]]:
        answer = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=list(actions))
        return {
            each["EvalActionName"]: (
                each["EvalDecision"],
                each["OrganizationsDecisionDetail"]["AllowedByOrganizations"],
            )
            for each in answer["EvaluationResults"]
        }

    assert simulated("iam:CreateUser") == {"iam:CreateUser": ("allowed", True)}
    world.attach(root, "no-users", NO_USERS)
    assert simulated("iam:CreateUser", "iam:ListUsers") == {
        "iam:CreateUser": ("explicitDeny", False),
        "iam:ListUsers": ("allowed", True),
    }
    own = world.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/administrator", ActionNames=["iam:CreateUser"]
    )["EvaluationResults"]
    assert own[0]["EvalDecision"] == "allowed"


def test_the_policies_of_disabled_kinds_do_not_apply(world: OrganizationWorld) -> None:
    root = world.organization()
    iam = world.member()("iam")
    world.attach(root, "no-users", NO_USERS)
    world.organizations.disable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    iam.create_user(UserName="ann")
