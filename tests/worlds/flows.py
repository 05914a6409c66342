"""A VPC with one interface in use, a delivery of its flow logs, and the records delivered."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import select, update

from reading_room.aws.call import Principal
from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.flowlogs.kept_windows import FileKeep
from reading_room.iam import inline_policies, roles
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.iam.errors import AccessDenied
from reading_room.logs.tables import LogEvent, LogStream
from reading_room.metrics.counted import CountedMeasures
from reading_room.vpc.flow_logs.fields import DEFAULT_FORMAT
from reading_room.vpc.tables import (
    FlowLog,
    NetworkInterface,
    Subnet,
    Vpc,
    VpcCidr,
)
from tests.worlds import databases

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
    """A VPC with one interface in use, and a delivery. ``now`` changes only when a test changes it."""

    def __init__(self, folder: Path) -> None:
        self.now = dt.datetime(2026, 3, 2, 9, 0, 0, tzinfo=dt.UTC)
        self.keep = folder / "windows.json"
        self.database = databases.made(folder / "db.sqlite")
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
        self.registry = CollectorRegistry()
        self.measures = CountedMeasures(self.registry)
        self.delivery = self.start()

    def start(self) -> FlowLogDelivery:
        """Make a delivery, as when the process starts."""
        authorizer = PolicyAuthorizer(database=self.database, region=REGION, clock=self.clock)
        return FlowLogDelivery(
            database=self.database,
            put_object=self.put_object,
            authorizer=authorizer,
            clock=self.clock,
            region=REGION,
            keep=FileKeep(self.keep),
            measures=self.measures,
        )

    def measured(self, name: str, **labels: str) -> float | None:
        """Return a count of flow log records, such as ``late``."""
        return self.registry.get_sample_value(f"reading_room_flow_records_{name}_total", labels)

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

    def delivered(self) -> dict[str, list[str]]:
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
