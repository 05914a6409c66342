"""Permissions boundaries: how they limit permissions, and who may set and remove them."""

from __future__ import annotations

import json

from tests.worlds.iam import ACCOUNT, IamWorld, policy, refusal, trust

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/Boundary"
S3_READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def test_a_boundary_limits_a_user_and_grants_nothing(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_policy(PolicyName="Boundary", PolicyDocument=policy("Allow", ["iam:ListUsers", "iam:ListGroups"]))
    key = world.user("alice", policy("Allow", ["iam:ListUsers", "iam:ListRoles"]))
    admin.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=BOUNDARY)
    assert admin.get_user(UserName="alice")["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": BOUNDARY,
    }
    iam = world.client("iam", **key)
    iam.list_users()
    assert refusal(iam.list_roles)[1].endswith("because no permissions boundary allows the iam:ListRoles action")
    assert "no identity-based policy" in refusal(iam.list_groups)[1]
    admin.delete_user_permissions_boundary(UserName="alice")
    iam.list_roles()
    assert "PermissionsBoundary" not in admin.get_user(UserName="alice")["User"]
    assert refusal(admin.delete_user_permissions_boundary, UserName="alice")[0] == "NoSuchEntity"


def test_a_boundary_limits_role_sessions_and_changes_with_its_policy(world: IamWorld) -> None:
    admin = world.client("iam")
    admin.create_policy(PolicyName="Boundary", PolicyDocument=policy("Allow", "iam:ListUsers"))
    admin.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}), PermissionsBoundary=BOUNDARY)
    admin.put_role_policy(RoleName="R", PolicyName="p", PolicyDocument=policy())
    credentials = world.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/R", RoleSessionName="ab")
    iam = world.client(
        "iam",
        access_key_id=credentials["Credentials"]["AccessKeyId"],
        secret_access_key=credentials["Credentials"]["SecretAccessKey"],
        session_token=credentials["Credentials"]["SessionToken"],
    )
    iam.list_users()
    assert "no permissions boundary" in refusal(iam.list_roles)[1]
    admin.create_policy_version(PolicyArn=BOUNDARY, PolicyDocument=policy("Allow", "iam:ListRoles"), SetAsDefault=True)
    iam.list_roles()
    assert "no permissions boundary" in refusal(iam.list_users)[1]
    admin.put_role_permissions_boundary(RoleName="R", PermissionsBoundary=S3_READER)
    assert "no permissions boundary" in refusal(iam.list_roles)[1]
    admin.delete_role_permissions_boundary(RoleName="R")
    iam.list_users()


def test_a_boundary_must_exist(world: IamWorld) -> None:
    iam = world.client("iam")
    missing = ("NoSuchEntity", f"Scope ARN: {BOUNDARY} does not exist or is not attachable.", 404)
    assert refusal(iam.create_user, UserName="alice", PermissionsBoundary=BOUNDARY) == missing
    assert refusal(iam.get_user, UserName="alice")[0] == "NoSuchEntity"
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": ACCOUNT}))
    assert refusal(iam.put_role_permissions_boundary, RoleName="R", PermissionsBoundary=BOUNDARY) == missing
    assert "PermissionsBoundary" not in iam.get_role(RoleName="R")["Role"]


def test_permission_to_create_bounded_users_cannot_be_circumvented(world: IamWorld) -> None:
    """AWS's pattern for delegation: users can be created and changed only with a certain boundary."""
    admin = world.client("iam")
    admin.create_policy(PolicyName="Boundary", PolicyDocument=policy("Allow", "iam:ListUsers"))
    admin.create_user(UserName="eve")
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "iam:CreateUser",
                        "iam:AttachUserPolicy",
                        "iam:PutUserPolicy",
                        "iam:PutUserPermissionsBoundary",
                    ],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
                },
                {"Effect": "Deny", "Action": "iam:DeleteUserPermissionsBoundary", "Resource": "*"},
            ],
        }
    )
    iam = world.client("iam", **world.user("alice", document))
    assert refusal(iam.create_user, UserName="bob")[0] == "AccessDenied"
    assert refusal(iam.create_user, UserName="bob", PermissionsBoundary=S3_READER)[0] == "AccessDenied"
    iam.create_user(UserName="bob", PermissionsBoundary=BOUNDARY)
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=policy())
    iam.attach_user_policy(UserName="bob", PolicyArn=S3_READER)
    assert refusal(iam.attach_user_policy, UserName="eve", PolicyArn=S3_READER)[0] == "AccessDenied"
    assert refusal(iam.put_user_policy, UserName="eve", PolicyName="p", PolicyDocument=policy())[0] == "AccessDenied"
    assert refusal(iam.put_user_permissions_boundary, UserName="bob", PermissionsBoundary=S3_READER)[0] == (
        "AccessDenied"
    )
    assert refusal(iam.delete_user_permissions_boundary, UserName="bob")[0] == "AccessDenied"
    iam.put_user_permissions_boundary(UserName="eve", PermissionsBoundary=BOUNDARY)
