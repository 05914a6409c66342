"""Services that act as a role, containers that fetch its credentials, and the file of the first administrator."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path

import pytest
from iam_world import ACCOUNT, REGION, IamWorld, policy, trust

from reading_room.aws.call import NetworkPath, Principal
from reading_room.iam.authorizer import request_context
from reading_room.iam.bootstrap import first_administrator
from reading_room.iam.container_credentials import ContainerCredentials, CredentialsOwner
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.role_sessions import assume_for_service

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
JOB = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/123"
SERVICE = "comprehend.amazonaws.com"
OWNER = CredentialsOwner(ROLE, "/v2/credentials/f00d", JOB, "job-123")


def reader(world: IamWorld, **condition: object) -> None:
    world.client("iam").create_role(
        RoleName="Reader", AssumeRolePolicyDocument=trust({"Service": SERVICE}, **condition)
    )


def test_a_service_acts_as_a_role_that_trusts_it(world: IamWorld) -> None:
    reader(world, Condition={"ArnLike": {"aws:SourceArn": JOB}, "StringEquals": {"aws:SourceAccount": ACCOUNT}})
    principal, credentials = assume_for_service(
        world.database, ROLE, SERVICE, "job-123", world.clock, source_arn=JOB, source_account=ACCOUNT
    )
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/job-123"
    assert credentials.expires_at - world.now == dt.timedelta(hours=1)
    held = world.credentials.find(credentials.access_key_id)
    assert held is not None
    assert held.principal == principal
    assert credentials.secret_access_key not in repr(credentials)


def test_a_role_that_does_not_trust_the_service_says_what_stands_in_the_way(world: IamWorld) -> None:
    with pytest.raises(RoleNotAssumable, match="the role does not exist"):
        assume_for_service(world.database, ROLE, SERVICE, "job-123", world.clock)
    reader(world, Sid="OnlyThatJob", Condition={"ArnLike": {"aws:SourceArn": JOB}})
    with pytest.raises(RoleNotAssumable, match=r"statement 'OnlyThatJob' .* condition fails: ArnLike on aws:sourcearn"):
        assume_for_service(world.database, ROLE, SERVICE, "job-123", world.clock, source_arn=JOB + "4")
    with pytest.raises(RoleNotAssumable, match=r"no statement .* lets ec2\.amazonaws\.com call sts:AssumeRole"):
        assume_for_service(world.database, ROLE, "ec2.amazonaws.com", "job-123", world.clock)


def test_a_container_gets_the_credentials_of_its_job_and_the_same_until_they_grow_old(world: IamWorld) -> None:
    reader(world)
    door = ContainerCredentials(world.database, lambda vpc, ip: OWNER if ip == "10.0.1.5" else None, world.clock)
    reply = door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5")
    assert reply.status == 200
    document = json.loads(reply.body)
    assert set(document) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert document["Expiration"] == (world.now + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").body == reply.body
    world.now += dt.timedelta(minutes=31)
    assert (
        json.loads(door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").body)["AccessKeyId"] != document["AccessKeyId"]
    )


def test_a_neighbour_who_knows_the_path_gets_404_and_a_log_line(
    world: IamWorld, caplog: pytest.LogCaptureFixture
) -> None:
    reader(world)
    other = CredentialsOwner(ROLE, "/v2/credentials/beef", JOB + "4", "job-1234")
    owners = {"10.0.1.5": OWNER, "10.0.1.6": other}
    door = ContainerCredentials(world.database, lambda vpc, ip: owners.get(ip), world.clock)
    with caplog.at_level(logging.WARNING):
        assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.6").status == 404
        assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.7").status == 404
        assert door.handle("GET", "/", "vpc-1", "10.0.1.5").status == 404
    assert "10.0.1.6 in vpc-1" in caplog.text
    assert OWNER.path not in caplog.text
    assert [door.handle(method, OWNER.path, "vpc-1", "10.0.1.5").status for method in ("POST", "HEAD")] == [405, 405]


def test_a_role_that_is_gone_gives_no_credentials(world: IamWorld) -> None:
    door = ContainerCredentials(world.database, lambda vpc, ip: OWNER, world.clock)
    reply = door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5")
    assert reply.status == 403
    assert b"the role does not exist" in reply.body


def test_the_network_keys_come_from_the_path_alone(world: IamWorld) -> None:
    alice = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDA", user_name="alice")
    inside = request_context(
        NetworkPath(vpc_id="vpc-1", vpc_endpoint_id="vpce-1", vpc_source_ip="10.0.1.5"),
        principal=alice,
        now=world.now,
        region=REGION,
    )
    assert inside["aws:SourceVpce"] == ("vpce-1",)
    assert "aws:SourceIp" not in inside
    outside = request_context(
        NetworkPath(source_ip="192.0.2.1", secure=True), principal=alice, now=world.now, region=REGION
    )
    assert outside["aws:SourceIp"] == ("192.0.2.1",)
    assert outside["aws:SecureTransport"] == ("true",)
    assert not {"aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp"} & set(outside)


def test_a_decision_takes_who_calls_from_the_principal_and_never_from_the_context(world: IamWorld) -> None:
    world.client("iam").create_user(UserName="alice")
    alice = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice", "AIDAX", user_name="alice")
    bucket = policy(Principal="*", Condition={"StringEquals": {"aws:username": "bob"}}, resource="arn:aws:s3:::b/*")
    decision = world.authorizer.decide(
        principal=alice,
        action="s3:GetObject",
        resource="arn:aws:s3:::b/k",
        context={"aws:username": ("bob",)},
        resource_policy=bucket,
        resource_account=ACCOUNT,
    )
    assert not decision.allowed


def test_a_stored_policy_that_cannot_be_read_denies(world: IamWorld) -> None:
    key = world.credentials.find(world.administrator_key()["access_key_id"])
    assert key is not None
    decision = world.authorizer.decide(
        principal=key.principal,
        action="s3:GetObject",
        resource="arn:aws:s3:::b/k",
        context={},
        resource_policy="{",
        resource_account=ACCOUNT,
    )
    assert decision.outcome == "explicitDeny"


def test_a_second_start_leaves_the_administrators_file_as_it_is(world: IamWorld) -> None:
    before = world.credentials_path.read_text()
    first_administrator(world.database, ACCOUNT, REGION, world.credentials_path, world.clock)
    assert world.credentials_path.read_text() == before
    assert world.credentials_path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in world.credentials_path.parent.glob(".credentials*")] == []


@pytest.mark.parametrize("damage", ["", "[default]\naws_access_key_id = AKIA", "\x00\xff garbage ["])
def test_a_start_that_was_cut_off_before_the_file_is_mended(world: IamWorld, damage: str) -> None:
    before = world.credentials_path.read_text()
    if damage:
        world.credentials_path.write_text(damage)
    else:
        world.credentials_path.unlink()
    first_administrator(world.database, ACCOUNT, REGION, world.credentials_path, world.clock)
    assert world.credentials_path.read_text() == before


def test_a_deleted_administrator_is_not_made_again(world: IamWorld, tmp_path: Path) -> None:
    key = world.user("alice", policy())
    iam = world.client("iam", **key)
    iam.delete_user_policy(UserName="administrator", PolicyName="AdministratorAccess")
    iam.delete_access_key(UserName="administrator", AccessKeyId=world.administrator_key()["access_key_id"])
    iam.delete_user(UserName="administrator")
    first_administrator(world.database, ACCOUNT, REGION, tmp_path / "other", world.clock)
    assert not (tmp_path / "other").exists()
