"""Delivery to log groups and buckets, as the role and the service that may do it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gzip
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from reading_room.aws.call import Principal
from reading_room.database.engine import Database
from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.iam import inline_policies, roles
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import AccessDenied
from reading_room.logs import streams
from reading_room.logs.tables import LogEvent, LogGroup, LogStream
from reading_room.vpc.flow_log_fields import DEFAULT_FORMAT
from reading_room.vpc.tables import FlowLog, NetworkInterface, Subnet, Vpc, VpcCidr

ACCOUNT, REGION = "000000000001", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/FlowLogs"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    }
)
WRITE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/flow:*",
        },
    }
)


class FlowWorld:
    """A VPC with one interface in use, and a delivery. ``now`` moves only when a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.now = dt.datetime(2026, 3, 2, 9, 0, 0, tzinfo=dt.UTC)
        self.database = Database.open(folder / "db.sqlite")
        self.database.create_tables()
        self.objects: dict[tuple[str, str], bytes] = {}
        self.writers: list[tuple[Principal, Mapping[str, Sequence[str]]]] = []
        self.closed_bucket = False
        with self.database.transaction() as session:
            session.add(Vpc(vpc_id="vpc-1", account=ACCOUNT, vni=1, created_at=self.now))
            session.flush()
            session.add(VpcCidr(association_id="a", vpc_id="vpc-1", cidr="10.0.0.0/16"))
            session.add(
                Subnet(
                    subnet_id="subnet-1",
                    account=ACCOUNT,
                    vpc_id="vpc-1",
                    cidr="10.0.1.0/24",
                    availability_zone="us-east-1a",
                    availability_zone_id="use1-az1",
                    created_at=self.now,
                )
            )
        self.delivery = self.start()

    def start(self) -> FlowLogDelivery:
        """Make a delivery, as a start of the process does."""
        authorizer = PolicyAuthorizer(self.database, REGION, self.clock)
        return FlowLogDelivery(self.database, self.put_object, authorizer, self.clock, REGION)

    def clock(self) -> dt.datetime:
        return self.now

    def put_object(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if self.closed_bucket:
            raise AccessDenied("the bucket policy says no")
        self.objects[(bucket, key)] = data
        self.writers.append((principal, context or {}))

    def interface(self, name: str = "eni-1", address: str = "10.0.1.5") -> None:
        with self.database.transaction() as session:
            session.add(
                NetworkInterface(
                    interface_id=name,
                    account=ACCOUNT,
                    vpc_id="vpc-1",
                    subnet_id="subnet-1",
                    address=address,
                    mac=f"02:00:00:00:00:{address[-2:]}",
                    requester_id="x",
                    status="in-use",
                    created_at=self.now,
                )
            )

    def set_status(self, status: str) -> None:
        with self.database.transaction() as session:
            session.execute(update(NetworkInterface).values(status=status))

    def flow_log(self, name: str = "fl-1", **changes: Any) -> None:
        values: dict[str, Any] = {
            "flow_log_id": name,
            "account": ACCOUNT,
            "resource_type": "VPC",
            "resource_id": "vpc-1",
            "traffic_type": "ALL",
            "destination_type": "cloud-watch-logs",
            "log_group_name": "/flow",
            "deliver_role_arn": ROLE,
            "log_format": DEFAULT_FORMAT,
            "created_at": self.now,
            **changes,
        }
        with self.database.transaction() as session:
            session.add(FlowLog(**values))

    def role(self, policy: str | None = WRITE) -> None:
        with self.database.transaction() as session:
            role = roles.create(session, ACCOUNT, "FlowLogs", TRUST, self.now)
            if policy is not None:
                inline_policies.put(session, "role", role.unique_id, role.name, "write", policy)

    def send(self, **changes: Any) -> None:
        at = self.now.timestamp()
        event = FlowEvent(
            "vpc-1", "eni-1", "egress", "10.0.1.5", "52.216.0.10", 40000, 443, 6, 10, 5000, at, at, "ACCEPT"
        )
        self.delivery.record([dataclasses.replace(event, **changes)])

    def pass_time(self, seconds: float) -> int:
        self.now += dt.timedelta(seconds=seconds)
        return self.delivery.turn(self.now)

    def told(self) -> dict[str, list[str]]:
        with self.database.reading() as session:
            rows = session.execute(
                select(LogStream.name, LogEvent.message)
                .join(LogEvent, LogEvent.stream_id == LogStream.stream_id)
                .order_by(LogEvent.event_id)
            ).all()
        found: dict[str, list[str]] = {}
        for name, message in rows:
            found.setdefault(name, []).append(message)
        return found

    def status(self, name: str = "fl-1") -> tuple[str, str | None]:
        with self.database.reading() as session:
            row = session.get(FlowLog, name)
            assert row is not None
            return row.deliver_status, row.deliver_error


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlowWorld]:
    world = FlowWorld(tmp_path)
    yield world
    world.database.close()


def test_a_window_is_delivered_to_a_stream_of_its_interface(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    assert world.pass_time(59) == 0
    assert world.pass_time(1) == 1
    (message,) = world.told()["eni-1-all"]
    assert message.startswith(f"2 {ACCOUNT} eni-1 10.0.1.5 52.216.0.10 40000 443 6 10 5000 ")
    assert world.status() == ("SUCCESS", None)


def test_a_deleted_interface_is_told_at_the_next_turn(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    assert world.pass_time(1) == 1
    world.send(packets=1, bytes=40)
    assert world.pass_time(1) == 1
    assert len(world.told()["eni-1-all"]) == 2
    assert world.pass_time(60) == 0


def test_an_interface_that_came_and_went_between_two_looks_is_recorded(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.pass_time(1)
    world.interface()
    world.set_status("available")
    world.send()
    world.delivery.interface_deleted("eni-1")
    assert world.pass_time(1) == 1


def test_packets_reported_after_the_row_is_gone_belong_into_the_same_window(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.delivery.interfaces_seen({"eni-1"})
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    world.send()
    assert world.pass_time(0.5) == 0
    world.send()
    world.delivery.interface_deleted("eni-1")
    assert world.pass_time(1) == 1


def test_an_end_of_the_product_delivers_what_it_has(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    assert world.delivery.close(world.now) == 1


def test_an_announced_deletion_is_told_once(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.delivery.interface_deleted("eni-1")
    with world.database.transaction() as session:
        session.execute(delete(NetworkInterface))
    assert world.pass_time(1) == 1
    assert world.pass_time(1) == 0


def test_a_missing_role_or_permission_fails_the_delivery_and_says_so(world: FlowWorld) -> None:
    world.flow_log()
    world.interface()
    world.send()
    assert world.pass_time(60) == 0
    assert world.status() == ("FAILED", "Access error")
    world.role(policy=None)
    assert world.pass_time(60) == 0
    assert world.status() == ("FAILED", "Access error")
    assert world.told() == {}
    with world.database.transaction() as session:
        assert session.scalar(select(LogGroup)) is None
        role = roles.get(session, ACCOUNT, "FlowLogs")
        inline_policies.put(session, "role", role.unique_id, role.name, "write", WRITE)
    assert world.pass_time(60) == 1
    assert world.status() == ("SUCCESS", None)


def test_a_role_that_trusts_the_service_for_another_account_only_is_refused(world: FlowWorld) -> None:
    world.flow_log()
    world.interface()
    with world.database.transaction() as session:
        trust = TRUST.replace(ACCOUNT, "444455556666")
        roles.create(session, ACCOUNT, "FlowLogs", trust, world.now)
    world.send()
    world.pass_time(60)
    assert world.status() == ("FAILED", "Access error")


def test_one_role_session_serves_many_deliveries(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    for _ in range(3):
        world.pass_time(60)
    with world.database.reading() as session:
        assert session.connection().exec_driver_sql("select count(*) from iam_role_sessions").scalar() == 1


def test_a_bucket_gets_a_compressed_file_with_a_header(world: FlowWorld) -> None:
    world.flow_log(
        destination_type="s3", log_group_name=None, deliver_role_arn=None, log_destination="arn:aws:s3:::logs/net"
    )
    world.interface()
    world.send()
    assert world.pass_time(60) == 1
    ((bucket, key), data) = next(iter(world.objects.items()))
    assert bucket == "logs"
    assert re.fullmatch(
        rf"net/AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/2026/03/02/"
        rf"{ACCOUNT}_vpcflowlogs_{REGION}_fl-1_20260302T0901Z_[0-9a-f]{{8}}\.log\.gz",
        key,
    )
    head, record = gzip.decompress(data).decode().splitlines()
    assert head.startswith("version account-id interface-id srcaddr")
    assert record.endswith("ACCEPT OK")
    principal, context = world.writers[0]
    assert principal.service_name == "delivery.logs.amazonaws.com"
    assert context["aws:SourceAccount"] == (ACCOUNT,)


def test_hive_partitions_name_their_parts(world: FlowWorld) -> None:
    world.flow_log(
        destination_type="s3",
        log_group_name=None,
        deliver_role_arn=None,
        log_destination="arn:aws:s3:::logs",
        hive_compatible_partitions=True,
        per_hour_partition=True,
    )
    world.interface()
    world.send()
    world.pass_time(60)
    ((_, key),) = world.objects
    assert key.startswith(
        f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}"
        f"/year=2026/month=03/day=02/hour=09/{ACCOUNT}_vpcflowlogs_"
    )


def test_a_bucket_that_refuses_fails_its_flow_log_and_no_other(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.flow_log("fl-2", destination_type="s3", log_destination="arn:aws:s3:::logs", deliver_role_arn=None)
    world.interface()
    world.closed_bucket = True
    world.send()
    assert world.pass_time(60) == 1
    assert world.status("fl-1") == ("SUCCESS", None)
    assert world.status("fl-2") == ("FAILED", "Access error")


def test_a_start_after_a_sudden_end_says_that_data_was_skipped(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.send()
    world.delivery = world.start()
    world.pass_time(60)
    assert [message.split()[-1] for message in world.told()["eni-1-all"]] == ["SKIPDATA"]


def test_an_interface_that_nothing_uses_is_not_recorded(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    world.set_status("available")
    assert world.pass_time(60) == 0


def test_ten_thousand_flows_are_delivered_in_a_moment(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.interface()
    at = world.now.timestamp()
    world.delivery.record(
        [
            FlowEvent("vpc-1", "eni-1", "egress", "10.0.1.5", "52.216.0.10", port, 443, 6, 1, 40, at, at, "ACCEPT")
            for port in range(10_000)
        ]
    )
    begun = time.process_time()
    assert world.pass_time(60) == 10_000
    assert time.process_time() - begun < 2
    with world.database.reading() as session:
        group = streams.get_group(session, ACCOUNT, "/flow")
        (stream,) = streams.streams(session, group)
        assert stream.stored_bytes > 10_000 * 60
