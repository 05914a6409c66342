"""Services that assume a role, containers that fetch its credentials, and the file of the first administrator."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import select

from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.spelling import unavailable
from reading_room.iam.authorizer import request_context
from reading_room.iam.bootstrap import first_administrator
from reading_room.iam.container_credentials import ContainerCredentials, CredentialsOwner
from reading_room.iam.errors import RoleNotAssumable
from reading_room.iam.role_sessions import assume_for_service, revoke
from reading_room.iam.tables import RoleSession
from tests.worlds.iam import ACCOUNT, REGION, IamWorld, policy, trust

ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"
JOB = f"arn:aws:comprehend:{REGION}:{ACCOUNT}:entities-detection-job/123"
SERVICE = "comprehend.amazonaws.com"
OWNER = CredentialsOwner(ROLE, "/v2/credentials/f00d", "f0" * 16, JOB, "job-123")


def reader(world: IamWorld, **condition: object) -> None:
    world.client("iam").create_role(
        RoleName="Reader", AssumeRolePolicyDocument=trust({"Service": SERVICE}, **condition)
    )


def test_a_service_can_assume_a_role_that_trusts_it(world: IamWorld) -> None:
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


def test_a_role_that_does_not_trust_the_service_gives_the_reason(world: IamWorld) -> None:
    with pytest.raises(RoleNotAssumable, match="the role does not exist"):
        assume_for_service(world.database, ROLE, SERVICE, "job-123", world.clock)
    reader(world, Sid="OnlyThatJob", Condition={"ArnLike": {"aws:SourceArn": JOB}})
    with pytest.raises(RoleNotAssumable, match=r"statement 'OnlyThatJob' .* condition fails: ArnLike on aws:sourcearn"):
        assume_for_service(world.database, ROLE, SERVICE, "job-123", world.clock, source_arn=JOB + "4")
    with pytest.raises(RoleNotAssumable, match=r"no statement .* lets ec2\.amazonaws\.com call sts:AssumeRole"):
        assume_for_service(world.database, ROLE, "ec2.amazonaws.com", "job-123", world.clock)


OTHER = "000000000002"


@pytest.mark.parametrize(
    ("condition", "good"),
    [
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEquals": {"aws:SourceAccount": OTHER}}, False),
        ({"StringEquals": {"aws:SourceAccount": [OTHER, ACCOUNT]}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": OTHER}}, True),
        ({"ArnEquals": {"aws:SourceArn": JOB}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:*:{ACCOUNT}:entities-detection-job/*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:{REGION}:{ACCOUNT}:topics-detection-job/*"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:{REGION}:{OTHER}:*"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:eu-west-1:{ACCOUNT}:*"}}, False),
        # A star matches within one part of an ARN, never across two.
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:comprehend:*:entities-detection-job/{JOB[-3:]}"}}, False),
        ({"StringLike": {"aws:SourceArn": f"*:{ACCOUNT}:*"}}, True),
        ({"ArnNotLike": {"aws:SourceArn": JOB}}, False),
        ({"ArnLike": {"aws:SourceArn": JOB}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"ArnLike": {"aws:SourceArn": JOB}, "StringEquals": {"aws:SourceAccount": OTHER}}, False),
        ({"Null": {"aws:SourceArn": "false", "aws:SourceAccount": "false"}}, True),
        ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, True),
        ({"StringEquals": {"aws:PrincipalServiceName": "ec2.amazonaws.com"}}, False),
        ({"StringEquals": {"sts:RoleSessionName": "job-123"}}, True),
    ],
)
def test_a_data_access_role_can_require_a_source_job(world: IamWorld, condition: dict[str, object], good: bool) -> None:
    reader(world, Condition=condition)
    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: OWNER, clock=world.clock)
    reply = door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5")
    assert reply.status == (200 if good else 403)
    if not good:
        assert b"its condition fails" in reply.body


def test_a_changed_trust_policy_applies_to_a_jobs_next_credentials(world: IamWorld) -> None:
    reader(world)
    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: OWNER, clock=world.clock)
    assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").status == 200
    world.client("iam").update_assume_role_policy(
        RoleName="Reader",
        PolicyDocument=trust({"Service": SERVICE}, Condition={"StringEquals": {"aws:SourceAccount": OTHER}}),
    )
    world.now += dt.timedelta(minutes=31)
    assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").status == 403


def test_no_session_is_created_while_it_cannot_be_recorded(world: IamWorld) -> None:
    reader(world)
    full = [False]

    def gate(service: str, operation: str, account: str) -> None:
        if full[0]:
            raise unavailable(service, f"{operation} cannot be recorded: the disk is full.")

    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: OWNER, clock=world.clock, gate=gate)

    def fetched() -> tuple[int, str]:
        reply = door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5")
        document = json.loads(reply.body)
        return reply.status, document.get("AccessKeyId") or document["message"]

    full[0] = True
    assert fetched() == (503, "AssumeRole cannot be recorded: the disk is full.")
    full[0] = False
    status, key = fetched()
    assert status == 200
    full[0] = True
    world.now += dt.timedelta(minutes=31)
    assert fetched() == (200, key)
    world.now += dt.timedelta(hours=1)
    assert fetched()[0] == 503
    full[0] = False
    assert fetched()[1] != key


def as_client(document: dict[str, str]) -> dict[str, str]:
    """Return the credentials that a container fetched, as options for a client."""
    return {
        "access_key_id": document["AccessKeyId"],
        "secret_access_key": document["SecretAccessKey"],
        "session_token": document["Token"],
    }


def test_a_jobs_credentials_are_of_its_role_and_end_with_the_job(world: IamWorld) -> None:
    reader(world)
    alive = [OWNER]
    door = ContainerCredentials(
        database=world.database, owner_of=lambda vpc, ip: alive[0] if alive else None, clock=world.clock
    )
    fetched = [json.loads(door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").body)]
    world.now += dt.timedelta(minutes=31)
    fetched.append(json.loads(door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").body))
    world.now -= dt.timedelta(minutes=31)
    clients = [world.client("sts", **as_client(document)) for document in fetched]
    for client in clients:
        assert client.get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/job-123"
    alive.clear()
    with world.database.transaction() as session:
        revoke(session, ROLE, "job-123")
    for client in clients:
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client.get_caller_identity()
    assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").status == 404


def test_credentials_fetched_while_the_job_ends_are_revoked(world: IamWorld) -> None:
    reader(world)
    answers = iter([OWNER, None])
    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: next(answers), clock=world.clock)
    assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5").status == 404
    with world.database.reading() as session:
        assert session.scalars(select(RoleSession)).all() == []


def test_two_keys_are_valid_together_and_changes_apply_to_the_next_request(world: IamWorld) -> None:
    iam, old = world.client("iam"), world.user("alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    new = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}
    clients = {name: world.client("sts", **each) for name, each in (("old", old), ("new", new))}
    for client in clients.values():
        client.get_caller_identity()
    for status, good in (("Inactive", False), ("Active", True), ("Inactive", False)):
        iam.update_access_key(UserName="alice", AccessKeyId=old["access_key_id"], Status=status)
        if good:
            clients["old"].get_caller_identity()
        else:
            with pytest.raises(ClientError, match="InvalidClientTokenId"):
                clients["old"].get_caller_identity()
        clients["new"].get_caller_identity()
    iam.delete_access_key(UserName="alice", AccessKeyId=new["access_key_id"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        clients["new"].get_caller_identity()


def test_a_container_gets_its_jobs_credentials_which_are_reused_until_renewal(world: IamWorld) -> None:
    reader(world)
    door = ContainerCredentials(
        database=world.database, owner_of=lambda vpc, ip: OWNER if ip == "10.0.1.5" else None, clock=world.clock
    )
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


def test_another_container_with_the_path_gets_404_and_is_logged(
    world: IamWorld, caplog: pytest.LogCaptureFixture
) -> None:
    reader(world)
    other = CredentialsOwner(ROLE, "/v2/credentials/beef", "f1" * 16, JOB + "4", "job-1234")
    owners = {"10.0.1.5": OWNER, "10.0.1.6": other}
    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: owners.get(ip), clock=world.clock)
    with caplog.at_level(logging.WARNING):
        assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.6").status == 404
        assert door.handle("GET", OWNER.path, "vpc-1", "10.0.1.7").status == 404
        assert door.handle("GET", "/", "vpc-1", "10.0.1.5").status == 404
    assert "10.0.1.6 in vpc-1" in caplog.text
    assert OWNER.path not in caplog.text
    assert [door.handle(method, OWNER.path, "vpc-1", "10.0.1.5").status for method in ("POST", "HEAD")] == [405, 405]


def test_a_deleted_role_gives_no_credentials(world: IamWorld) -> None:
    door = ContainerCredentials(database=world.database, owner_of=lambda vpc, ip: OWNER, clock=world.clock)
    reply = door.handle("GET", OWNER.path, "vpc-1", "10.0.1.5")
    assert reply.status == 403
    assert b"the role does not exist" in reply.body


def test_the_network_keys_come_only_from_the_path(world: IamWorld) -> None:
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


def test_the_callers_keys_come_from_the_principal_and_never_from_the_context(world: IamWorld) -> None:
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


def test_a_stored_policy_that_cannot_be_parsed_denies(world: IamWorld) -> None:
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


def test_a_second_start_does_not_change_the_administrators_file(world: IamWorld) -> None:
    before = world.credentials_path.read_text()
    first_administrator(world.database, ACCOUNT, REGION, world.credentials_path, world.clock)
    assert world.credentials_path.read_text() == before
    assert world.credentials_path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in world.credentials_path.parent.glob(".credentials*")] == []


@pytest.mark.parametrize("damage", ["", "[default]\naws_access_key_id = AKIA", "\x00\xff garbage ["])
def test_a_start_completes_an_interrupted_bootstrap(world: IamWorld, damage: str) -> None:
    before = world.credentials_path.read_text()
    if damage:
        world.credentials_path.write_text(damage)
    else:
        world.credentials_path.unlink()
    first_administrator(world.database, ACCOUNT, REGION, world.credentials_path, world.clock)
    assert world.credentials_path.read_text() == before


def test_a_deleted_administrator_is_not_recreated(world: IamWorld, tmp_path: Path) -> None:
    key = world.user("alice", policy())
    iam = world.client("iam", **key)
    iam.delete_user_policy(UserName="administrator", PolicyName="AdministratorAccess")
    iam.delete_access_key(UserName="administrator", AccessKeyId=world.administrator_key()["access_key_id"])
    iam.delete_user(UserName="administrator")
    first_administrator(world.database, ACCOUNT, REGION, tmp_path / "other", world.clock)
    assert not (tmp_path / "other").exists()
