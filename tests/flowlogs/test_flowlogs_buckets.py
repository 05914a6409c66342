"""Files of records in a bucket: names, formats and traffic paths."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from reading_room.vpc.addressing.prefix_lists import S3_PREFIX_LIST_ID
from reading_room.vpc.tables import (
    InternetGateway,
    NatGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
)
from tests.worlds.flows import ACCOUNT, REGION, FlowWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FlowWorld]:
    world = FlowWorld(tmp_path)
    yield world
    world.database.close()


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


def test_hive_partitions_have_key_value_names(world: FlowWorld) -> None:
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


@pytest.mark.costs(0.3, reason="Parquet is loaded, and its files are written and read")
def test_a_parquet_file_has_a_column_of_its_documented_type_for_each_field(world: FlowWorld) -> None:
    world.flow_log(
        destination_type="s3",
        log_group_name=None,
        deliver_role_arn=None,
        log_destination="arn:aws:s3:::logs",
        file_format="parquet",
        log_format="${version} ${interface-id} ${srcport} ${bytes} ${start} ${traffic-path} ${log-status} ${srcport}",
    )
    world.interface()
    world.interface("eni-2", "10.0.1.66")
    world.send()
    assert world.pass_time(60) == 2
    (((_, key), data),) = world.objects.items()
    assert key.endswith(".log.parquet")
    table = parquet.read_table(io.BytesIO(data))
    assert {field.name: str(field.type) for field in table.schema} == {
        "version": "int32",
        "interface_id": "string",
        "srcport": "int32",
        "bytes": "int64",
        "start": "int64",
        "traffic_path": "int32",
        "log_status": "string",
    }
    first, second = sorted(table.to_pylist(), key=lambda row: str(row["interface_id"]))
    assert (first["version"], first["srcport"], first["bytes"], first["log_status"]) == (5, 40000, 5000, "OK")
    assert (second["srcport"], second["bytes"], second["log_status"]) == (None, None, "NODATA")


@pytest.mark.costs(0.2, reason="files of both formats are written and read")
def test_the_default_format_reads_the_same_in_both_file_formats(world: FlowWorld) -> None:
    for name, file_format in (("fl-1", "plain-text"), ("fl-2", "parquet")):
        world.flow_log(name, destination_type="s3", log_destination="arn:aws:s3:::logs", file_format=file_format)
    world.interface()
    world.send()
    world.send(source_port=1, action="REJECT")
    assert world.pass_time(60) == 4
    files = {key.rpartition(".")[2]: data for (_, key), data in world.objects.items()}
    head, *lines = gzip.decompress(files["gz"]).decode().splitlines()
    table = parquet.read_table(io.BytesIO(files["parquet"]))
    assert table.column_names == head.replace("-", "_").split(" ")
    assert [" ".join(map(str, row.values())) for row in table.to_pylist()] == lines


def test_a_denying_bucket_fails_only_its_flow_log(world: FlowWorld) -> None:
    world.role()
    world.flow_log()
    world.flow_log("fl-2", destination_type="s3", log_destination="arn:aws:s3:::logs", deliver_role_arn=None)
    world.interface()
    world.closed_bucket = True
    world.send()
    assert world.pass_time(60) == 1
    assert world.status("fl-1") == ("SUCCESS", None)
    assert world.status("fl-2") == ("FAILED", "Access error")


@pytest.mark.parametrize(
    ("destination", "path"),
    [
        ("10.0.7.7", "1"),
        ("52.216.0.10", "7"),
        ("52.94.0.10", "8"),
        ("203.0.113.9", "1"),
        ("192.0.2.1", "-"),
        ("192.88.99.1", "-"),
    ],
)
def test_the_traffic_path_follows_the_subnets_route_table(world: FlowWorld, destination: str, path: str) -> None:
    world.role()
    world.flow_log(log_format="${traffic-path}")
    world.interface()
    with world.database.transaction() as session:
        session.add(RouteTable(route_table_id="rtb-1", account=ACCOUNT, vpc_id="vpc-1", number=1, created_at=world.now))
        session.add(InternetGateway(internet_gateway_id="igw-1", account=ACCOUNT, vpc_id="vpc-1", created_at=world.now))
        session.add(
            NatGateway(
                nat_gateway_id="nat-1",
                account=ACCOUNT,
                vpc_id="vpc-1",
                subnet_id="subnet-1",
                state="available",
                addresses=[],
                created_at=world.now,
            )
        )
        session.flush()
        session.add(RouteTableAssociation(association_id="rtbassoc-1", vpc_id="vpc-1", route_table_id="rtb-1"))
        for target, block in (
            ("vpce-1", S3_PREFIX_LIST_ID),
            ("igw-1", "52.0.0.0/8"),
            ("nat-1", "203.0.113.0/24"),
            ("igw-gone", "192.0.2.0/24"),
        ):
            session.add(Route(route_table_id="rtb-1", destination=block, target=target))
    world.send(destination=destination)
    world.pass_time(60)
    assert world.delivered() == {"eni-1-all": [path]}
