"""An account as a whole: authorization details, summary, aliases, and the last uses of keys."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from reading_room.aws.call import NetworkPath
from reading_room.aws.call_record import CallRecord
from reading_room.iam.key_uses import KeyUses
from reading_room.iam.principals import root_principal
from tests.worlds.iam import ACCOUNT, REGION, IamWorld, policy, refusal, trust

S3_READER = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
OWN = f"arn:aws:iam::{ACCOUNT}:policy/Own"


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements executed in this test."""
    executed: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        executed.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield executed
    event.remove(Engine, "before_cursor_execute", note)


def furnish(iam: Any, account: str = ACCOUNT) -> None:
    """Create one entity of each kind."""
    own = f"arn:aws:iam::{account}:policy/Own"
    iam.create_policy(PolicyName="Own", PolicyDocument=policy(), Description="ours")
    iam.create_policy_version(PolicyArn=own, PolicyDocument=policy("Deny"))
    iam.create_user(UserName="alice", Tags=[{"Key": "team", "Value": "x"}], PermissionsBoundary=own)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="alice")
    iam.create_role(RoleName="R", AssumeRolePolicyDocument=trust({"AWS": account}), Description="not shown")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=policy())
    iam.put_group_policy(GroupName="readers", PolicyName="q", PolicyDocument=policy())
    iam.put_role_policy(RoleName="R", PolicyName="r", PolicyDocument=policy())
    iam.attach_user_policy(UserName="alice", PolicyArn=S3_READER)
    iam.attach_group_policy(GroupName="readers", PolicyArn=own)
    iam.attach_role_policy(RoleName="R", PolicyArn=own)


def test_the_details_contain_every_entity_with_its_policies(world: IamWorld) -> None:
    iam = world.client("iam")
    furnish(iam)
    answer = iam.get_account_authorization_details()
    assert not answer["IsTruncated"]
    users = {user["UserName"]: user for user in answer["UserDetailList"]}
    assert sorted(users) == ["administrator", "alice"]
    alice = users["alice"]
    assert alice["UserPolicyList"] == [{"PolicyName": "p", "PolicyDocument": json.loads(policy())}]
    assert alice["GroupList"] == ["readers"]
    assert alice["AttachedManagedPolicies"] == [{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": S3_READER}]
    assert alice["PermissionsBoundary"]["PermissionsBoundaryArn"] == OWN
    assert alice["Tags"] == [{"Key": "team", "Value": "x"}]
    (group,) = answer["GroupDetailList"]
    assert group["GroupPolicyList"] == [{"PolicyName": "q", "PolicyDocument": json.loads(policy())}]
    assert group["AttachedManagedPolicies"] == [{"PolicyName": "Own", "PolicyArn": OWN}]
    (role,) = answer["RoleDetailList"]
    assert role["AssumeRolePolicyDocument"] == json.loads(trust({"AWS": ACCOUNT}))
    assert role["RolePolicyList"] == [{"PolicyName": "r", "PolicyDocument": json.loads(policy())}]
    assert role["InstanceProfileList"] == []
    own, of_aws = answer["Policies"]
    assert (own["Arn"], own["AttachmentCount"], own["PermissionsBoundaryUsageCount"]) == (OWN, 2, 1)
    assert [(version["VersionId"], version["Document"]) for version in own["PolicyVersionList"]] == [
        ("v1", json.loads(policy())),
        ("v2", json.loads(policy("Deny"))),
    ]
    # Of the AWS managed policies, only those that the account uses.
    assert (of_aws["Arn"], of_aws["AttachmentCount"]) == (S3_READER, 1)


def test_the_details_can_be_filtered_and_come_in_pages(world: IamWorld) -> None:
    iam = world.client("iam")
    furnish(iam)
    lists = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    for kind, wanted in (
        ("User", [2, 0, 0, 0]),
        ("Group", [0, 1, 0, 0]),
        ("Role", [0, 0, 1, 0]),
        ("LocalManagedPolicy", [0, 0, 0, 1]),
        ("AWSManagedPolicy", [0, 0, 0, 1]),
    ):
        answer = iam.get_account_authorization_details(Filter=[kind])
        assert [len(answer[name]) for name in lists] == wanted, kind
    paginator = iam.get_paginator("get_account_authorization_details")
    pages = list(paginator.paginate(PaginationConfig={"PageSize": 2}))
    assert [sum(len(page[name]) for name in lists) for page in pages] == [2, 2, 2]
    assert sum(len(page["Policies"]) for page in pages) == 2


@pytest.mark.one_process
@pytest.mark.costs(0.55, reason="a hundred calls are made")
def test_the_number_of_queries_for_a_page_is_constant(world: IamWorld, statements: list[str]) -> None:
    iam = world.client("iam")
    furnish(iam)
    for number in range(12):
        own = iam.create_policy(PolicyName=f"P{number}", PolicyDocument=policy())["Policy"]["Arn"]
        iam.create_user(UserName=f"user-{number}")
        iam.attach_user_policy(UserName=f"user-{number}", PolicyArn=own)
        iam.put_user_policy(UserName=f"user-{number}", PolicyName="p", PolicyDocument=policy())
        iam.add_user_to_group(GroupName="readers", UserName=f"user-{number}")
        somebody = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/user-{number}"}
        iam.create_role(RoleName=f"R{number}", AssumeRolePolicyDocument=trust(somebody))
    for operation, options, of_which in (
        (iam.get_account_authorization_details, {"Filter": ["User"]}, "UserDetailList"),
        (iam.get_account_authorization_details, {"Filter": ["Role"]}, "RoleDetailList"),
        (iam.get_account_authorization_details, {"Filter": ["LocalManagedPolicy"]}, "Policies"),
        (iam.list_roles, {}, "Roles"),
    ):
        # The caller's own policies are read again after the last change.
        counts = []
        operation(**options)
        for size in (2, 10):
            statements.clear()
            assert len(operation(MaxItems=size, **options)[of_which]) == size
            counts.append(len(statements))
        assert counts[0] == counts[1], (operation, statements)


def test_trust_policies_show_current_names(world: IamWorld) -> None:
    iam = world.client("iam")
    for name in ("alice", "bob"):
        iam.create_user(UserName=name)
        iam.create_role(
            RoleName=f"for-{name}", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"})
        )
    gone = iam.get_user(UserName="alice")["User"]["UserId"]
    iam.delete_user(UserName="alice")
    iam.update_user(UserName="bob", NewUserName="robert")
    details = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    for roles in (iam.list_roles()["Roles"], details):
        shown = {
            role["RoleName"]: role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] for role in roles
        }
        assert shown == {"for-alice": [gone], "for-bob": [f"arn:aws:iam::{ACCOUNT}:user/robert"]}


def test_the_summary_counts_entities(world: IamWorld) -> None:
    iam = world.client("iam")
    furnish(iam)
    summary = iam.get_account_summary()["SummaryMap"]
    counted = ("Users", "Groups", "Roles", "Policies", "PolicyVersionsInUse", "InstanceProfiles")
    assert [summary[name] for name in counted] == [2, 1, 1, 1, 2, 0]
    assert (summary["VersionsPerPolicyQuota"], summary["RolePolicySizeQuota"]) == (5, 10_240)


def test_an_account_has_one_alias_that_no_other_account_has(world: IamWorld) -> None:
    iam = world.client("iam")
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_account_alias(AccountAlias="reading-room")
    iam.create_account_alias(AccountAlias="the-room")
    assert iam.list_account_aliases()["AccountAliases"] == ["the-room"]
    assert refusal(iam.delete_account_alias, AccountAlias="reading-room")[0] == "NoSuchEntity"
    assert refusal(iam.create_account_alias, AccountAlias="Not--Valid")[0] == "ValidationError"
    other = world.account("000000000002")("iam")
    assert refusal(other.create_account_alias, AccountAlias="the-room")[0] == "EntityAlreadyExists"
    iam.delete_account_alias(AccountAlias="the-room")
    other.create_account_alias(AccountAlias="the-room")
    assert iam.list_account_aliases()["AccountAliases"] == []


@pytest.mark.one_process
def test_the_last_use_of_a_key_has_its_service(world: IamWorld) -> None:
    admin = world.client("iam")
    key = world.user("alice")
    identifier = key["access_key_id"]
    assert admin.get_access_key_last_used(AccessKeyId=identifier) | {"ResponseMetadata": None} == {
        "UserName": "alice",
        "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"},
        "ResponseMetadata": None,
    }
    world.client("sts", **key).get_caller_identity()
    last = {"LastUsedDate": world.now, "ServiceName": "sts", "Region": REGION}
    assert admin.get_access_key_last_used(AccessKeyId=identifier)["AccessKeyLastUsed"] == last
    # A denied call counts as a use of the key; a call with the wrong secret does not.
    assert refusal(world.client("iam", **key).list_users)[0] == "AccessDenied"
    forged = {**key, "secret_access_key": "x" * 40}
    assert refusal(world.client("sts", **forged).get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert admin.get_access_key_last_used(AccessKeyId=identifier)["AccessKeyLastUsed"]["ServiceName"] == "iam"


def call(access_key_id: str, moment: dt.datetime, region: str) -> CallRecord:
    """Return the record of a call to IAM with a key."""
    return CallRecord(
        service="iam",
        operation="ListUsers",
        request_id="1",
        ended_at=moment,
        region=region,
        path=NetworkPath(),
        principal=root_principal(ACCOUNT),
        access_key_id=access_key_id,
        user_agent="",
    )


def test_a_last_use_is_written_once_a_minute_and_at_the_end(world: IamWorld) -> None:
    key = world.user("alice")["access_key_id"]
    written: list[frozenset[str]] = []
    world.database.on_commit(written.append)
    uses = KeyUses(world.database)
    for second in range(50):
        world.now += dt.timedelta(seconds=1)
        uses.take(call(key, world.now, f"region-{second}"))
    uses.take(call("ASIA" + "A" * 16, world.now, REGION))
    uses.close()
    assert written == [frozenset({"iam_access_key_uses"})] * 2
    again = KeyUses(world.database)
    last = again.last(key)
    again.close()
    assert last is not None
    assert (last.used_at, last.region) == (world.now, "region-49")


def test_only_the_account_of_a_key_can_read_its_last_use(world: IamWorld) -> None:
    own = policy("Allow", "iam:GetAccessKeyLastUsed", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    alice, bob = world.user("alice", own), world.user("bob", own)
    iam = world.client("iam", **alice)
    assert iam.get_access_key_last_used(AccessKeyId=alice["access_key_id"])["UserName"] == "alice"
    assert refusal(iam.get_access_key_last_used, AccessKeyId=bob["access_key_id"])[0] == "AccessDenied"
    missing = "AKIA" + "A" * 16
    assert refusal(world.client("iam").get_access_key_last_used, AccessKeyId=missing) == (
        "AccessDenied",
        f"User: arn:aws:iam::{ACCOUNT}:user/administrator is not authorized to perform: iam:GetAccessKeyLastUsed "
        f"on resource: access key {missing}",
        403,
    )


def test_deleting_a_key_deletes_its_last_use(world: IamWorld) -> None:
    admin = world.client("iam")
    key = world.user("alice")
    world.client("sts", **key).get_caller_identity()
    admin.delete_access_key(UserName="alice", AccessKeyId=key["access_key_id"])
    assert refusal(admin.get_access_key_last_used, AccessKeyId=key["access_key_id"])[0] == "AccessDenied"
    admin.delete_user(UserName="alice")


def test_policies_granting_service_access_are_listed(world: IamWorld) -> None:
    iam = world.client("iam")
    furnish(iam)
    iam.put_user_policy(UserName="alice", PolicyName="logs", PolicyDocument=policy("Allow", "logs:Get*"))
    iam.put_user_policy(UserName="alice", PolicyName="denies", PolicyDocument=policy("Deny", "s3:*"))
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=policy("Allow", "iam:*"))
    alice = f"arn:aws:iam::{ACCOUNT}:user/alice"
    answer = iam.list_policies_granting_service_access(Arn=alice, ServiceNamespaces=["s3", "logs"])
    of_group = [
        {"PolicyName": "q", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "readers"},
        {"PolicyName": "Own", "PolicyType": "MANAGED", "PolicyArn": OWN},
    ]
    own = {"PolicyName": "logs", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "alice"}
    of_aws = {"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyType": "MANAGED", "PolicyArn": S3_READER}
    assert answer["PoliciesGrantingServiceAccess"] == [
        {"ServiceNamespace": "logs", "Policies": [own, *of_group]},
        {"ServiceNamespace": "s3", "Policies": [of_aws, *of_group]},
    ]
    for arn, code in ((f"{alice}a", "NoSuchEntity"), ("arn:aws:s3:::no-user-and-no-role", "InvalidInput")):
        listing = iam.list_policies_granting_service_access
        assert refusal(listing, Arn=arn, ServiceNamespaces=["s3"])[0] == code


@pytest.mark.costs(0.3, reason="two accounts are furnished with one of everything")
def test_accounts_cannot_see_or_use_each_others_entities(world: IamWorld) -> None:
    other_account = "000000000002"
    other_client = world.account(other_account)
    mine, theirs = world.client("iam"), other_client("iam")
    furnish(mine)
    furnish(theirs, other_account)
    assert [user["Arn"] for user in theirs.list_users()["Users"]] == [
        f"arn:aws:iam::{other_account}:user/administrator",
        f"arn:aws:iam::{other_account}:user/alice",
    ]
    theirs.delete_user_policy(UserName="alice", PolicyName="p")
    assert mine.list_user_policies(UserName="alice")["PolicyNames"] == ["p"]
    assert refusal(theirs.attach_user_policy, UserName="alice", PolicyArn=OWN)[:2] == (
        "NoSuchEntity",
        f"Policy {OWN} does not exist or is not attachable.",
    )
    for call, parameters in (
        (theirs.get_policy, {}),
        (theirs.get_policy_version, {"VersionId": "v1"}),
        (theirs.list_entities_for_policy, {}),
        (theirs.create_policy_version, {"PolicyDocument": policy()}),
        (theirs.delete_policy, {}),
        (theirs.tag_policy, {"Tags": [{"Key": "a", "Value": "b"}]}),
    ):
        assert refusal(call, PolicyArn=OWN, **parameters)[:2] == ("NoSuchEntity", f"Policy {OWN} was not found.")
    assert refusal(theirs.put_user_permissions_boundary, UserName="alice", PermissionsBoundary=OWN)[0] == (
        "NoSuchEntity"
    )
    key = world.user("bob")["access_key_id"]
    assert refusal(theirs.get_access_key_last_used, AccessKeyId=key)[0] == "AccessDenied"
    details = theirs.get_account_authorization_details()
    assert ACCOUNT not in json.dumps(details, default=str)
    assert mine.get_policy(PolicyArn=OWN)["Policy"]["AttachmentCount"] == 2
    assert mine.get_policy(PolicyArn=S3_READER)["Policy"]["AttachmentCount"] == 1
