"""Accounts of the organization: created by it, invited, moved and removed."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from pathlib import Path
from typing import Any

from reading_room.organizations.tables import Invitation
from tests.worlds.iam import ACCOUNT, refusal
from tests.worlds.organizations import MEMBER, OrganizationWorld


def created(world: OrganizationWorld, name: str = "papers", email: str = "papers@example.com", **more: Any) -> Any:
    """Return the status of a new account."""
    made = world.organizations.create_account(AccountName=name, Email=email, **more)
    return made["CreateAccountStatus"]


def test_a_created_account_has_a_role_that_the_management_account_assumes(world: OrganizationWorld) -> None:
    world.organization()
    status = created(world, Tags=[{"Key": "team", "Value": "a"}])
    assert status["State"] == "SUCCEEDED"
    described = world.organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])
    assert described["CreateAccountStatus"] == status
    account = status["AccountId"]
    assert world.prepared == [account]
    shown = world.organizations.describe_account(AccountId=account)["Account"]
    assert (shown["Name"], shown["Email"], shown["JoinedMethod"]) == ("papers", "papers@example.com", "CREATED")
    assert world.organizations.list_tags_for_resource(ResourceId=account)["Tags"] == [{"Key": "team", "Value": "a"}]
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    keys = world.client("sts").assume_role(RoleArn=role, RoleSessionName="operator")["Credentials"]
    inside = world.process.client(
        "iam",
        access_key_id=keys["AccessKeyId"],
        secret_access_key=keys["SecretAccessKey"],
        session_token=keys["SessionToken"],
    )
    inside.create_user(UserName="ann")
    assert inside.get_user(UserName="ann")["User"]["Arn"] == f"arn:aws:iam::{account}:user/ann"


def test_an_account_that_cannot_be_created_says_why(world: OrganizationWorld, tmp_path: Path) -> None:
    world.organization()
    created(world)
    again = created(world, name="others")
    assert (again["State"], again["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    listed = world.organizations.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]
    assert [each["Id"] for each in listed] == [again["Id"]]
    assert len(world.prepared) == 1
    missing = "car-" + "a" * 32
    assert refusal(world.organizations.describe_create_account_status, CreateAccountRequestId=missing)[0] == (
        "CreateAccountStatusNotFoundException"
    )
    assert refusal(
        world.organizations.create_account, AccountName="x", Email="x@example.com", IamUserAccessToBilling="DENY"
    )[0] == ("InvalidInputException")


def test_with_amazons_quotas_an_organization_has_ten_accounts(tmp_path: Path) -> None:
    with closing(OrganizationWorld(tmp_path, profile="aws")) as world:
        world.organization()
        for number in range(9):
            assert created(world, email=f"{number}@example.com")["State"] == "SUCCEEDED"
        assert created(world)["FailureReason"] == "ACCOUNT_LIMIT_EXCEEDED"
        world.account(MEMBER)
        invite = world.organizations.invite_account_to_organization
        assert refusal(invite, Target={"Id": MEMBER, "Type": "ACCOUNT"})[0] == "HandshakeConstraintViolationException"


def test_an_existing_account_joins_only_by_accepting_an_invitation(world: OrganizationWorld) -> None:
    root = world.organization()
    clients = world.account(MEMBER)
    invite = world.organizations.invite_account_to_organization
    target = {"Id": MEMBER, "Type": "ACCOUNT"}
    made = invite(Target=target, Notes="please join", Tags=[{"Key": "team", "Value": "a"}])["Handshake"]
    assert made["State"] == "OPEN"
    assert {"Type": "NOTES", "Value": "please join"} in made["Resources"]
    assert refusal(invite, Target=target)[0] == "DuplicateHandshakeException"
    member = clients("organizations")
    (seen,) = member.list_handshakes_for_account()["Handshakes"]
    assert seen["Id"] == made["Id"]
    assert member.describe_handshake(HandshakeId=made["Id"])["Handshake"] == seen
    assert refusal(world.organizations.accept_handshake, HandshakeId=made["Id"])[0] == "HandshakeNotFoundException"
    assert [each["Id"] for each in world.organizations.list_accounts()["Accounts"]] == [ACCOUNT]
    assert member.accept_handshake(HandshakeId=made["Id"])["Handshake"]["State"] == "ACCEPTED"
    listed = world.organizations.list_accounts_for_parent(ParentId=root)["Accounts"]
    assert [(each["Id"], each["JoinedMethod"]) for each in listed] == [(ACCOUNT, "INVITED"), (MEMBER, "INVITED")]
    assert world.organizations.list_tags_for_resource(ResourceId=MEMBER)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert refusal(invite, Target=target)[0] == "HandshakeConstraintViolationException"


def test_an_invitation_is_declined_canceled_or_expires(world: OrganizationWorld) -> None:
    world.organization()
    member = world.account(MEMBER)("organizations")
    target = {"Id": MEMBER, "Type": "ACCOUNT"}
    invite = world.organizations.invite_account_to_organization
    declined = invite(Target=target)["Handshake"]["Id"]
    assert member.decline_handshake(HandshakeId=declined)["Handshake"]["State"] == "DECLINED"
    assert refusal(member.decline_handshake, HandshakeId=declined)[0] == "HandshakeAlreadyInStateException"
    assert refusal(member.accept_handshake, HandshakeId=declined)[0] == "InvalidHandshakeTransitionException"
    canceled = invite(Target=target)["Handshake"]["Id"]
    assert world.organizations.cancel_handshake(HandshakeId=canceled)["Handshake"]["State"] == "CANCELED"
    late = invite(Target=target)["Handshake"]["Id"]
    with world.database.transaction() as session:
        row = session.get_one(Invitation, late)
        assert row.expires_at - row.requested_at == dt.timedelta(days=15)
        row.expires_at = world.now
    assert refusal(member.accept_handshake, HandshakeId=late)[0] == "InvalidHandshakeTransitionException"
    listed = world.organizations.list_handshakes_for_organization()["Handshakes"]
    assert sorted(each["State"] for each in listed) == ["CANCELED", "DECLINED", "EXPIRED"]
    assert refusal(invite, Target={"Id": "999999999999", "Type": "ACCOUNT"})[0] == "InvalidInputException"


def test_an_account_moves_and_leaves(world: OrganizationWorld) -> None:
    root = world.organization()
    member = world.member()("organizations")
    unit = world.unit(root, "papers")
    move = world.organizations.move_account
    assert refusal(move, AccountId=MEMBER, SourceParentId=unit, DestinationParentId=root)[0] == (
        "SourceParentNotFoundException"
    )
    assert refusal(move, AccountId=MEMBER, SourceParentId=root, DestinationParentId=root)[0] == (
        "DuplicateAccountException"
    )
    move(AccountId=MEMBER, SourceParentId=root, DestinationParentId=unit)
    assert world.organizations.list_children(ParentId=unit, ChildType="ACCOUNT")["Children"] == [
        {"Id": MEMBER, "Type": "ACCOUNT"}
    ]
    (path,) = world.organizations.describe_account(AccountId=MEMBER)["Account"]["Paths"]
    assert path.endswith(f"/{root}/{unit}/{MEMBER}/")
    assert refusal(world.organizations.leave_organization)[0] == "MasterCannotLeaveOrganizationException"
    member.leave_organization()
    assert refusal(member.describe_organization)[0] == "AWSOrganizationsNotInUseException"
    assert refusal(world.organizations.describe_account, AccountId=MEMBER)[0] == "AccountNotFoundException"
