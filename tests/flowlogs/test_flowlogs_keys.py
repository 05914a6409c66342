"""The bucket permissions checked when a flow log is created match the keys written later."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest

from reading_room.flowlogs.aggregate import FlowLogTarget
from reading_room.flowlogs.destinations import object_key
from reading_room.vpc.flow_logs import flow_logs

ACCOUNT = "000000000001"


@pytest.mark.parametrize(("hive", "hourly", "prefix"), list(product((False, True), (False, True), ("", "/here/"))))
def test_every_key_begins_with_the_checked_prefix(hive: bool, hourly: bool, prefix: str) -> None:
    options: Any = {"HiveCompatiblePartitions": hive, "PerHourPartition": hourly}
    settings = flow_logs.requested(
        {
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": f"arn:aws:s3:::records{prefix}",
            "DestinationOptions": options,
        }
    )
    target = FlowLogTarget(
        "fl-1",
        ACCOUNT,
        "ALL",
        "s3",
        ("version",),
        60,
        bucket=settings.bucket,
        key_prefix=settings.prefix,
        hive_compatible_partitions=hive,
        per_hour_partition=hourly,
    )
    key = object_key(target, "us-east-1", dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC))
    assert key.startswith(settings.key_prefix(ACCOUNT))
