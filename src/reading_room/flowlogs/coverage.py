"""The interfaces that each flow log records, read from the tables of ``vpc``."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from typing import Literal, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.flowlogs.aggregate import Covered, FlowLogTarget
from reading_room.flowlogs.record import InterfaceFacts, Way
from reading_room.flowlogs.ways import WAY_TABLES, read_ways
from reading_room.vpc.flow_logs.fields import parse_format
from reading_room.vpc.tables import FlowLog, NetworkInterface, Subnet, Vpc, VpcCidr

COVERAGE_TABLES = WAY_TABLES | {table.__tablename__ for table in (FlowLog, NetworkInterface, Subnet, Vpc, VpcCidr)}
"""The tables that the coverage depends on."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All pairs of a flow log and an interface in use, and the ids of all flow logs."""

    covered: tuple[Covered, ...]
    flow_log_ids: frozenset[str]


def read(session: Session, region: str, also: Set[str] = frozenset()) -> Coverage:
    """Read the coverage in one transaction. An interface is recorded while a container has it.

    Interfaces in ``also`` are covered in any state: their packets were observed, so they were in use.
    """
    logs: dict[str, list[FlowLogTarget]] = defaultdict(list)
    for row in session.scalars(select(FlowLog).order_by(FlowLog.flow_log_id)):
        logs[row.resource_id].append(target_of(row))
    flow_log_ids = frozenset(target.flow_log_id for targets in logs.values() for target in targets)
    if not logs:
        return Coverage((), flow_log_ids)
    cidrs: dict[str, list[str]] = defaultdict(list)
    for block in session.scalars(select(VpcCidr).order_by(VpcCidr.primary.desc(), VpcCidr.association_id)):
        cidrs[block.vpc_id].append(block.cidr)
    rows = session.execute(
        select(NetworkInterface, Subnet)
        .join(Subnet, Subnet.subnet_id == NetworkInterface.subnet_id)
        .join(Vpc, Vpc.vpc_id == NetworkInterface.vpc_id)
        .where(
            or_(NetworkInterface.status == "in-use", NetworkInterface.interface_id.in_(sorted(also))),
            Vpc.internal.is_(False),
        )
        .order_by(NetworkInterface.interface_id)
    )
    covered = []
    ways = read_ways(session)
    for interface, subnet in rows:
        facts = _facts(interface, subnet, tuple(cidrs[interface.vpc_id]), ways.of(subnet), region)
        for resource in (interface.vpc_id, interface.subnet_id, interface.interface_id):
            covered += [Covered(target, facts) for target in logs.get(resource, ())]
    return Coverage(tuple(covered), flow_log_ids)


def target_of(row: FlowLog) -> FlowLogTarget:
    """Return the attributes of a flow log that recording and delivery need."""
    bucket, prefix = None, ""
    if row.destination_type == "s3" and row.log_destination is not None:
        bucket, _, prefix = Arn.parse(row.log_destination).resource.partition("/")
        prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    return FlowLogTarget(
        flow_log_id=row.flow_log_id,
        account=row.account,
        traffic_type=cast(Literal["ACCEPT", "REJECT", "ALL"], row.traffic_type),
        destination_type=cast(Literal["cloud-watch-logs", "s3"], row.destination_type),
        fields=parse_format(row.log_format),
        interval=row.max_aggregation_interval,
        log_group_name=row.log_group_name,
        deliver_role_arn=row.deliver_role_arn,
        bucket=bucket,
        key_prefix=prefix,
        hive_compatible_partitions=row.hive_compatible_partitions,
        per_hour_partition=row.per_hour_partition,
        parquet=row.file_format == "parquet",
    )


def _facts(
    interface: NetworkInterface, subnet: Subnet, cidrs: tuple[str, ...], ways: tuple[Way, ...], region: str
) -> InterfaceFacts:
    # As in AWS, the resolver is at the base of the VPC's first block plus two, the router at the subnet's plus one.
    silent = {str(ipaddress.ip_network(subnet.cidr)[1])}
    if cidrs:
        silent.add(str(ipaddress.ip_network(cidrs[0])[2]))
    return InterfaceFacts(
        interface_id=interface.interface_id,
        account=interface.account,
        vpc_id=interface.vpc_id,
        subnet_id=interface.subnet_id,
        zone_id=subnet.availability_zone_id,
        region=region,
        vpc_cidrs=cidrs,
        unrecorded=frozenset(silent),
        ways=ways,
        host=interface.host,
    )
