"""The accounts of tests: created and deleted by the first account, in a product that was started for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from reading_room.database.base import Base
from reading_room.extension.owned_rows import shared_tables
from reading_room.iam import accounts
from reading_room.jobs.tables import JobRow
from tests.worlds.extension import ACCOUNT, TRUST, ExtensionWorld, allow, policy, refusal
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.costs(0.2, reason="the whole product is made, with a network, a bucket and a role")


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ExtensionWorld]:
    """A product for tests; its first account is that of the world's administrator."""
    with closing(ExtensionWorld(tmp_path, testing="on")) as world:
        yield world


def created(room: ExtensionWorld, **given: str) -> tuple[str, dict[str, str]]:
    """Create an account; return its number, and its administrator's key as a client's options."""
    made = room.room().create_test_account(**given)
    key = {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}
    return made["AccountId"], key


def rows(room: ExtensionWorld) -> dict[str, int]:
    """Return the number of rows of every table that has some."""
    with room.database.reading() as session:
        counts = {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in Base.metadata.tables.items()
        }
    # The uses of keys are written a moment later, by a thread; the mark belongs to no account.
    left_out = ("iam_access_key_uses", "call_usage_marks")
    return {name: count for name, count in counts.items() if count and name not in left_out}


def gone(room: ExtensionWorld, number: str) -> bool:
    """Ask for the end of an account; return whether it is gone."""
    return bool(room.room().delete_test_account(AccountId=number)["Deleted"])


def test_an_account_is_usable_at_once_and_leaves_no_row(room: ExtensionWorld) -> None:
    before = rows(room)
    number, key = created(room)
    ec2 = room.client("ec2", key)
    assert room.client("sts", key).get_caller_identity()["Account"] == number
    assert len(ec2.describe_subnets()["Subnets"]) == 6
    fill(room, key)
    assert gone(room, number)
    room.product.meter.fold()
    assert rows(room) == before
    assert refusal(ec2.describe_vpcs)[0] == "AuthFailure"


def fill(room: ExtensionWorld, key: dict[str, str]) -> None:
    """Create something of everything in an account, with tags, policies and sessions."""
    ec2, s3, iam, logs = (room.client(name, key) for name in ("ec2", "s3", "iam", "logs"))
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="small", Body=b"x")
    s3.put_object(Bucket="full", Key="large", Body=b"x" * 100_000)
    s3.create_multipart_upload(Bucket="full", Key="never")
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="Reader", PolicyName="all", PolicyDocument=policy(allow("*")))
    made = iam.create_policy(PolicyName="own", PolicyDocument=policy(allow("*")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="Reader", PolicyArn=made)
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="administrator")
    room.client("sts", key).get_session_token()
    room.client("comprehend", key).detect_entities(Text="a text", LanguageCode="en")
    token = room.room(key).create_sign_in_token()["Token"]
    room.room(key).redeem_sign_in_token(Token=token)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="jobs", Description="jobs")["GroupId"]
    peer = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=peer)
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
    ec2.create_tags(Resources=[interface], Tags=[{"Key": "a", "Value": "b"}])
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3", VpcEndpointType="Gateway")
    ec2.create_managed_prefix_list(PrefixListName="a", AddressFamily="IPv4", MaxEntries=1)
    logs.create_log_group(logGroupName="/a")
    logs.create_log_stream(logGroupName="/a", logStreamName="b")
    ec2.create_flow_logs(
        ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", LogDestinationType="s3",
        LogDestination="arn:aws:s3:::full",
    )  # fmt: skip


def test_a_job_is_ended_before_its_account_goes(room: ExtensionWorld) -> None:
    before = rows(room)
    number, key = created(room)
    fill(room, key)
    job = room.client("comprehend", key).start_entities_detection_job(
        InputDataConfig={"S3Uri": "s3://full/"},
        OutputDataConfig={"S3Uri": "s3://full/out/"},
        DataAccessRoleArn=f"arn:aws:iam::{number}:role/Reader",
        LanguageCode="en",
        Tags=[{"Key": "a", "Value": "b"}],
    )["JobId"]
    assert not gone(room, number)
    assert refusal(room.client("ec2", key).describe_vpcs)[0] == "AuthFailure"
    with room.database.reading() as session:
        assert session.get_one(JobRow, job).phase == "stopped"
    room.product.jobs.controller.start()
    try:
        eventually(lambda: gone(room, number), what="the end of the account")
    finally:
        room.product.jobs.controller.stop()
    assert rows(room) == before


def test_other_accounts_keep_everything(room: ExtensionWorld) -> None:
    number, key = created(room, AccountId="000000000077")
    _, kept = created(room)
    room.client("s3", kept).create_bucket(Bucket="kept")
    room.client("s3", kept).put_object(Bucket="kept", Key="a", Body=b"x" * 100_000)
    before = rows(room)
    fill(room, key)
    assert gone(room, number)
    created(room, AccountId=number)
    assert rows(room) == before
    assert room.client("s3", kept).get_object(Bucket="kept", Key="a")["Body"].read() == b"x" * 100_000


def test_every_table_says_whose_its_rows_are() -> None:
    assert shared_tables() <= {
        *("call_usage_marks", "outside_writes", "s3_servers", "s3_stores", "flow_windows", "shared_files"),
        *("hosts", "host_authority", "host_tokens", "leases", "gateway_hosts", "engine_questions", "engine_answers"),
        *("sealing", "trail_heads", "trail_heads_lost", "s3_service_keys"),
    }


def test_only_the_first_account_may_and_only_accounts_of_tests_are_deleted(room: ExtensionWorld) -> None:
    number, key = created(room)
    assert refusal(room.room(key).create_test_account)[0] == "NotOperatorException"
    assert refusal(room.room(key).delete_test_account, AccountId=number)[0] == "NotOperatorException"
    assert refusal(room.room().create_test_account, AccountId=number)[0] == "AccountExistsException"
    with room.database.transaction() as session:
        accounts.create(session, "000000000042", "of a person", room.now)
    for other in (ACCOUNT, "000000000042", "000000000099"):
        assert refusal(room.room().delete_test_account, AccountId=other)[0] == "AccountNotFoundException"
    nobody = room.user("nobody")
    assert refusal(room.room(nobody).create_test_account)[0] == "AccessDeniedException"


def test_a_usual_product_refuses(world: ExtensionWorld) -> None:
    room = world.room()
    calls: list[tuple[Any, dict[str, Any]]] = [
        (room.create_test_account, {}),
        (room.delete_test_account, {"AccountId": "000000000099"}),
        (room.move_clock, {"Seconds": 1}),
    ]
    for call, given in calls:
        code, message = refusal(call, **given)
        assert code == "TestingOffException"
        assert "READING_ROOM_TESTING=on" in message
