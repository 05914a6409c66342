"""Flow logs: the server's cost of 10,000 new flows a second, from the agent's frames to delivered records."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.report import Row, record
from reading_room.agent.frames import Flows, FromAgent
from reading_room.aws.call import Principal
from reading_room.codec import decode, encode
from reading_room.database.engine import Database
from reading_room.dataplane.spec import FlowEvent
from reading_room.flowlogs.deliver import FlowLogDelivery
from reading_room.flowlogs.kept_windows import FileKeep
from reading_room.iam import inline_policies, roles
from reading_room.iam.authorizer import PolicyAuthorizer
from reading_room.vpc.flow_logs.fields import DEFAULT_FORMAT
from reading_room.vpc.tables import FlowLog, NetworkInterface, Subnet, Vpc, VpcCidr

ACCOUNT, REGION = "000000000001", "us-east-1"
RATE, SECONDS = 10_000, 10
START = dt.datetime(2026, 3, 2, 9, 0, 0, tzinfo=dt.UTC)
DESTINATIONS = {
    "a log group": {
        "destination_type": "cloud-watch-logs",
        "log_group_name": "/flow",
        "deliver_role_arn": f"arn:aws:iam::{ACCOUNT}:role/FlowLogs",
    },
    "a bucket, plain text": {"destination_type": "s3", "log_destination": "arn:aws:s3:::logs"},
    "a bucket, Parquet": {
        "destination_type": "s3",
        "log_destination": "arn:aws:s3:::logs",
        "file_format": "parquet",
    },
}


def main() -> None:
    """Measure each destination and record the rows."""
    rows = []
    for name, destination in DESTINATIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            decoding, counting, delivering = _spent(Path(folder), destination)
        parts = [decoding / SECONDS, counting / SECONDS, delivering / SECONDS]
        how = "decode {:.2f}, add up {:.2f}, deliver {:.2f}; nothing left out".format(*parts)
        rows.append(Row(f"{RATE:,} new flows a second to {name}", f"{sum(parts):.2f} of a core", "1.0", how))
    record("Flow logs", rows)


def _spent(folder: Path, destination: Mapping[str, str]) -> tuple[float, float, float]:
    """Return seconds of processor time: decoding the agent's frames, counting, delivering."""
    database = Database.open(folder / "db.sqlite")
    database.create_tables()
    _fill(database, destination)
    now = START
    stored: list[int] = []

    def put(
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        stored.append(len(data))

    delivery = FlowLogDelivery(
        database=database,
        put_object=put,
        authorizer=PolicyAuthorizer(database=database, region=REGION, clock=lambda: now),
        clock=lambda: now,
        region=REGION,
        keep=FileKeep(folder / "windows.json"),
    )
    decoding = counting = delivering = 0.0
    delivered = 0
    for second in range(SECONDS):
        frame = encode(FromAgent(Flows(_events(second, now.timestamp()))))
        began = time.process_time()
        body = decode(FromAgent, frame).body
        assert isinstance(body, Flows)
        decoded = time.process_time()
        delivery.record(body.events)
        counted = time.process_time()
        now += dt.timedelta(seconds=1)
        delivered += delivery.turn(now)
        decoding, counting = decoding + decoded - began, counting + counted - decoded
        delivering += time.process_time() - counted
    began = time.process_time()
    delivered += delivery.close(now)
    delivering += time.process_time() - began
    database.close()
    # One more: the interface existed before the process, whose first window says SKIPDATA.
    assert delivered == RATE * SECONDS + 1, f"{delivered} records for {RATE * SECONDS} flows"
    return decoding, counting, delivering


def _events(second: int, at: float) -> tuple[FlowEvent, ...]:
    return tuple(
        FlowEvent(
            "vpc-1", "eni-1", "egress", "10.0.1.5", "52.216.0.10", 1024 + number, second + 1, 6, 1, 40, at, at, "ACCEPT"
        )
        for number in range(RATE)
    )


def _fill(database: Database, destination: Mapping[str, str]) -> None:
    """Make a VPC with one interface in use, a flow log and its role."""
    trust = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    write = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    made = {"account": ACCOUNT, "created_at": START}
    with database.transaction() as session:
        session.add(Vpc(vpc_id="vpc-1", vni=1, **made))
        session.flush()
        session.add(VpcCidr(association_id="a", vpc_id="vpc-1", cidr="10.0.0.0/16"))
        zone = {"availability_zone": "us-east-1a", "availability_zone_id": "use1-az1"}
        session.add(Subnet(subnet_id="subnet-1", vpc_id="vpc-1", cidr="10.0.1.0/24", **zone, **made))
        session.flush()
        session.add(
            NetworkInterface(
                interface_id="eni-1",
                vpc_id="vpc-1",
                subnet_id="subnet-1",
                address="10.0.1.5",
                mac="02:00:00:00:00:05",
                requester_id="x",
                status="in-use",
                **made,
            )
        )
        session.add(
            FlowLog(
                flow_log_id="fl-1",
                resource_type="VPC",
                resource_id="vpc-1",
                traffic_type="ALL",
                log_format=DEFAULT_FORMAT,
                **destination,
                **made,
            )
        )
        role = roles.create(session, ACCOUNT, "FlowLogs", _document(trust), START)
        inline_policies.put(session, "role", role.unique_id, role.name, "write", _document(write))


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


if __name__ == "__main__":
    main()
