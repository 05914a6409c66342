"""Flow logs of a job's interface in a bucket, as the product delivers them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pyarrow import parquet

from reading_room.cli import reading
from tests.worlds.place import Place
from tests.worlds.waiting import eventually

pytestmark = pytest.mark.e2e
FORMAT = (
    "${interface-id} ${flow-direction} ${dstport} ${packets} ${bytes} ${tcp-flags} ${traffic-path} "
    "${pkt-dst-aws-service} ${region} ${az-id} ${log-status}"
)


def test_the_packets_of_a_job_are_delivered_as_parquet_with_path_and_service(
    library: Place, account: reading.Account
) -> None:
    bucket = f"{library.bucket}-records"
    account.s3.create_bucket(Bucket=bucket)
    answer = account.ec2.create_flow_logs(
        ResourceIds=[library.network.vpc],
        ResourceType="VPC",
        TrafficType="ACCEPT",
        LogDestinationType="s3",
        LogDestination=f"arn:aws:s3:::{bucket}",
        LogFormat=FORMAT,
        DestinationOptions={"FileFormat": "parquet", "HiveCompatiblePartitions": True, "PerHourPartition": True},
    )
    assert answer["Unsuccessful"] == []
    library.put_text("parquet/a.txt", "Paris is in France.\n")
    assert library.run("parquet/")["JobStatus"] == "COMPLETED"

    def delivered() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for entry in account.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            assert entry["Key"].startswith("AWSLogs/aws-account-id=")
            assert "/hour=" in entry["Key"]
            assert entry["Key"].endswith(".log.parquet")
            data = account.s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            rows += [row for row in parquet.read_table(io.BytesIO(data)).to_pylist() if row["log_status"] == "OK"]
        return rows

    rows = eventually(delivered, what="flow records")
    sent = [row for row in rows if row["flow_direction"] == "egress"]
    assert sent
    assert {(row["dstport"], row["traffic_path"], row["pkt_dst_aws_service"]) for row in sent} == {(443, 7, "S3")}
    assert all(row["packets"] > 0 and row["bytes"] > 0 for row in sent)
    assert any(row["tcp_flags"] & 2 for row in sent), "each connection must begin in its first window"
    (seen,) = account.ec2.describe_flow_logs(FlowLogIds=answer["FlowLogIds"])["FlowLogs"]
    assert seen["DeliverLogsStatus"] == "SUCCESS"
