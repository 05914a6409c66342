"""The calls that Terraform's AWS provider makes for IAM resources, in its order: create, read, change, delete."""

from __future__ import annotations

import json

import pytest

from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_aws_iam_role(world: IamWorld) -> None:
    iam = world.client("iam")
    document = trust({"Service": "comprehend.amazonaws.com"})
    iam.create_role(RoleName="R", Path="/", AssumeRolePolicyDocument=document, MaxSessionDuration=3600)
    role = iam.get_role(RoleName="R")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(document)
    assert iam.list_role_policies(RoleName="R")["PolicyNames"] == []
    assert iam.list_attached_role_policies(RoleName="R")["AttachedPolicies"] == []
    changed = trust({"Service": ["comprehend.amazonaws.com", "vpc-flow-logs.amazonaws.com"]})
    iam.update_assume_role_policy(RoleName="R", PolicyDocument=changed)
    iam.update_role(RoleName="R", Description="reads", MaxSessionDuration=7200)
    iam.put_role_permissions_boundary(RoleName="R", PermissionsBoundary=READER)
    iam.untag_role(RoleName="R", TagKeys=["old"])
    iam.tag_role(RoleName="R", Tags=[{"Key": "new", "Value": "x"}])
    role = iam.get_role(RoleName="R")["Role"]
    assert role["AssumeRolePolicyDocument"] == json.loads(changed)
    assert (role["Description"], role["MaxSessionDuration"]) == ("reads", 7200)
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == READER
    assert role["Tags"] == [{"Key": "new", "Value": "x"}]
    iam.delete_role_permissions_boundary(RoleName="R")
    assert iam.list_instance_profiles_for_role(RoleName="R")["InstanceProfiles"] == []
    iam.delete_role(RoleName="R")
    assert refusal(iam.get_role, RoleName="R")[0] == "NoSuchEntity"


def test_aws_iam_role_by_force_with_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.put_role_policy(RoleName="R", PolicyName="p", PolicyDocument=policy())
    iam.attach_role_policy(RoleName="R", PolicyArn=READER)
    assert refusal(iam.delete_role, RoleName="R")[0] == "DeleteConflict"
    for attached in iam.list_attached_role_policies(RoleName="R")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="R", PolicyArn=attached["PolicyArn"])
    for name in iam.list_role_policies(RoleName="R")["PolicyNames"]:
        iam.delete_role_policy(RoleName="R", PolicyName=name)
    iam.delete_role(RoleName="R")


@pytest.mark.costs(0.2, reason="seven versions of a policy are made and read")
def test_aws_iam_policy(world: IamWorld) -> None:
    iam = world.client("iam")
    arn = iam.create_policy(PolicyName="P", Path="/", PolicyDocument=policy())["Policy"]["Arn"]
    for number in range(7):
        found = iam.get_policy(PolicyArn=arn)["Policy"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])["PolicyVersion"]
        assert version["IsDefaultVersion"]
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= 5:
            others = [entry for entry in versions if not entry["IsDefaultVersion"]]
            iam.delete_policy_version(PolicyArn=arn, VersionId=others[-1]["VersionId"])
        document = policy(resource=f"arn:aws:s3:::bucket-{number}")
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v8"
    for entry in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not entry["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=entry["VersionId"])
    iam.delete_policy(PolicyArn=arn)
    assert refusal(iam.get_policy, PolicyArn=arn)[0] == "NoSuchEntity"


def test_aws_iam_role_policy_attachment(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    iam.attach_role_policy(RoleName="R", PolicyArn=READER)
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName="R")
    assert [entry["PolicyArn"] for page in pages for entry in page["AttachedPolicies"]] == [READER]
    iam.detach_role_policy(RoleName="R", PolicyArn=READER)
    assert refusal(iam.detach_role_policy, RoleName="R", PolicyArn=READER)[0] == "NoSuchEntity"


@pytest.mark.costs(0.2, reason="a user with one of everything is made and deleted")
def test_aws_iam_user_by_force(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_user(UserName="u", Path="/", Tags=[{"Key": "a", "Value": "b"}])
    iam.update_user(UserName="u", NewUserName="v", NewPath="/x/")
    assert iam.get_user(UserName="v")["User"]["Tags"] == [{"Key": "a", "Value": "b"}]
    iam.create_access_key(UserName="v")
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="v")
    iam.put_user_policy(UserName="v", PolicyName="p", PolicyDocument=policy())
    iam.attach_user_policy(UserName="v", PolicyArn=READER)
    for group in iam.list_groups_for_user(UserName="v")["Groups"]:
        iam.remove_user_from_group(UserName="v", GroupName=group["GroupName"])
    for name in iam.list_user_policies(UserName="v")["PolicyNames"]:
        iam.delete_user_policy(UserName="v", PolicyName=name)
    for attached in iam.list_attached_user_policies(UserName="v")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="v", PolicyArn=attached["PolicyArn"])
    for key in iam.list_access_keys(UserName="v")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="v", AccessKeyId=key["AccessKeyId"])
    assert iam.list_ssh_public_keys(UserName="v")["SSHPublicKeys"] == []
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    assert iam.list_mfa_devices(UserName="v")["MFADevices"] == []
    assert refusal(iam.delete_login_profile, UserName="v")[:2] == (
        "NoSuchEntity",
        "Login Profile for User v cannot be found.",
    )
    assert iam.list_signing_certificates(UserName="v")["Certificates"] == []
    assert iam.list_service_specific_credentials(UserName="v")["ServiceSpecificCredentials"] == []
    iam.delete_user(UserName="v")


def test_aws_iam_group_with_membership_and_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    iam.create_group(GroupName="g", Path="/")
    iam.create_user(UserName="u")
    assert iam.get_group(GroupName="g")["Users"] == []
    iam.add_user_to_group(GroupName="g", UserName="u")
    pages = iam.get_paginator("get_group").paginate(GroupName="g")
    assert [user["UserName"] for page in pages for user in page["Users"]] == ["u"]
    iam.attach_group_policy(GroupName="g", PolicyArn=READER)
    assert len(iam.list_attached_group_policies(GroupName="g")["AttachedPolicies"]) == 1
    iam.update_group(GroupName="g", NewGroupName="h")
    iam.detach_group_policy(GroupName="h", PolicyArn=READER)
    iam.remove_user_from_group(GroupName="h", UserName="u")
    iam.delete_group(GroupName="h")
    assert refusal(iam.get_group, GroupName="h")[0] == "NoSuchEntity"
