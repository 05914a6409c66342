"""Flow logs: which flows are recorded and where the records go. The package ``flowlogs`` records and delivers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reading_room.arns import Arn
from reading_room.aws.call import Call
from reading_room.ids import resource_id
from reading_room.vpc import lookup, tags
from reading_room.vpc.errors import Ec2Error, InvalidParameterValue
from reading_room.vpc.flow_logs.errors import (
    FlowLogAlreadyExists,
    FlowLogParameter,
    LogDestinationDenied,
    LogDestinationMissing,
    UnknownFlowLogField,
)
from reading_room.vpc.flow_logs.fields import DEFAULT_FORMAT, LogFormatError, parse_format
from reading_room.vpc.identifiers import FLOW_LOG, NETWORK_INTERFACE, SUBNET, VPC, Kind
from reading_room.vpc.quotas import Quotas, require_room
from reading_room.vpc.tables import FlowLog

RESOURCE_KINDS: Mapping[str, Kind] = {"VPC": VPC, "Subnet": SUBNET, "NetworkInterface": NETWORK_INTERFACE}
TRAFFIC_TYPES = ("ACCEPT", "REJECT", "ALL")
CLOUD_WATCH, S3 = "cloud-watch-logs", "s3"
FILE_FORMATS = ("plain-text", "parquet")
_GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")


BucketVerdict = Literal["writable", "grantable", "missing", "denied"]
"""The object store's answer about a flow log's destination. ``grantable``: the delivery service has no permission yet,
and the caller may grant it."""


class BucketCheck(Protocol):
    """Asks the object store whether flow logs of an account can be written to a bucket.

    The protocol is declared here because the store is above this package; the wiring passes the implementation to the
    operations.
    """

    def __call__(self, call: Call, bucket: str, key_prefix: str) -> BucketVerdict:
        """Return whether ``delivery.logs.amazonaws.com`` may put objects under ``key_prefix`` for the account."""
        ...

    def grant(self, session: Session, account: str, bucket: str, key_prefix: str) -> None:
        """After ``grantable``, add the statements to the bucket's policy that let the delivery service write.

        Raises ``LogDestinationMissing`` or ``LogDestinationDenied`` if this is no longer possible.
        """
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a flow log, without the resource that it records."""

    resource_type: str
    traffic_type: str
    destination_type: str
    log_group_name: str | None
    log_destination: str | None
    deliver_role_arn: str | None
    log_format: str
    max_aggregation_interval: int
    file_format: str
    hive_compatible_partitions: bool
    per_hour_partition: bool

    @property
    def bucket(self) -> str:
        """The bucket of an S3 destination, without the prefix."""
        return _bucket_and_prefix(self.log_destination or "")[0]

    @property
    def prefix(self) -> str:
        """The prefix of an S3 destination, ending in a slash, or empty."""
        return _bucket_and_prefix(self.log_destination or "")[1]

    @property
    def destination_name(self) -> str:
        """The name of the bucket or log group."""
        return self.log_group_name or self.bucket

    def names_group_elsewhere(self, account: str, region: str) -> bool:
        """Return whether the log group is in another account or region, where nothing can be written."""
        if self.destination_type != CLOUD_WATCH or self.log_destination is None:
            return False
        arn = Arn.parse(self.log_destination)
        return (arn.account, arn.region) != (account, region)

    def key_prefix(self, account: str) -> str:
        """Return the key prefix of an account's records (VPC User Guide, "Publish flow logs to S3")."""
        folder = f"aws-account-id={account}" if self.hive_compatible_partitions else account
        return f"{self.prefix}AWSLogs/{folder}/"


def requested(request: Mapping[str, Any]) -> Settings:
    """Return the settings in a CreateFlowLogs request.

    Raises ``FlowLogParameter``, ``UnknownFlowLogField`` or ``InvalidParameterValue``.
    """
    resource_type = str(request.get("ResourceType"))
    if resource_type not in RESOURCE_KINDS:
        raise InvalidParameterValue("resourceType", resource_type, f"Expecting one of {', '.join(RESOURCE_KINDS)}.")
    if not request.get("TrafficType"):
        raise FlowLogParameter("no-traffic-type")
    if request["TrafficType"] not in TRAFFIC_TYPES:
        raise InvalidParameterValue("trafficType", request["TrafficType"], "Expecting ACCEPT, REJECT or ALL.")
    destination_type = str(request.get("LogDestinationType") or CLOUD_WATCH)
    if destination_type not in (CLOUD_WATCH, S3):
        raise InvalidParameterValue("logDestinationType", destination_type, f"Expecting {CLOUD_WATCH} or {S3}.")
    interval = int(request.get("MaxAggregationInterval", 600))
    if interval not in (60, 600):
        raise FlowLogParameter("interval")
    group, destination = _destination(request, destination_type)
    options = request.get("DestinationOptions") or {}
    if options and destination_type != S3:
        raise FlowLogParameter("options-without-s3")
    file_format = str(options.get("FileFormat") or FILE_FORMATS[0])
    if file_format not in FILE_FORMATS:
        raise InvalidParameterValue("fileFormat", file_format, f"Expecting one of {', '.join(FILE_FORMATS)}.")
    return Settings(
        resource_type=resource_type,
        traffic_type=str(request["TrafficType"]),
        destination_type=destination_type,
        log_group_name=group,
        log_destination=destination,
        deliver_role_arn=request.get("DeliverLogsPermissionArn"),
        log_format=_format(request.get("LogFormat")),
        max_aggregation_interval=interval,
        file_format=file_format,
        hive_compatible_partitions=bool(options.get("HiveCompatiblePartitions", False)),
        per_hour_partition=bool(options.get("PerHourPartition", False)),
    )


def create(
    session: Session,
    account: str,
    settings: Settings,
    resource: str,
    now: dt.datetime,
    verdict: BucketVerdict,
    *,
    quotas: Quotas = Quotas(),
) -> FlowLog:
    """Create a flow log for one resource; ``verdict`` is the object store's answer about its destination.

    Raises the resource's not-found error, ``LogDestinationMissing``, ``LogDestinationDenied``,
    ``FlowLogAlreadyExists`` or ``LimitExceeded``: EC2 lists those under ``Unsuccessful``.
    """
    lookup.one(session, RESOURCE_KINDS[settings.resource_type], account, resource)
    if verdict == "missing":
        raise LogDestinationMissing(settings.destination_name)
    if verdict == "denied":
        raise LogDestinationDenied(settings.destination_name)
    same = select(FlowLog.flow_log_id).where(
        FlowLog.resource_id == resource,
        FlowLog.traffic_type == settings.traffic_type,
        FlowLog.destination_type == settings.destination_type,
        FlowLog.log_group_name.is_not_distinct_from(settings.log_group_name),
        FlowLog.log_destination.is_not_distinct_from(settings.log_destination),
    )
    if session.scalar(same) is not None:
        raise FlowLogAlreadyExists
    used = session.scalar(select(func.count()).select_from(FlowLog).where(FlowLog.resource_id == resource))
    require_room(used, quotas.flow_logs_per_resource, "FlowLogsLimitExceeded", "flow logs of the resource")
    row = FlowLog(
        flow_log_id=resource_id("fl"),
        account=account,
        resource_type=settings.resource_type,
        resource_id=resource,
        traffic_type=settings.traffic_type,
        destination_type=settings.destination_type,
        log_group_name=settings.log_group_name,
        log_destination=settings.log_destination,
        deliver_role_arn=settings.deliver_role_arn,
        log_format=settings.log_format,
        max_aggregation_interval=settings.max_aggregation_interval,
        file_format=settings.file_format,
        hive_compatible_partitions=settings.hive_compatible_partitions,
        per_hour_partition=settings.per_hour_partition,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def delete_flow_logs(session: Session, account: str, flow_log_ids: Sequence[str]) -> list[tuple[str, Ec2Error]]:
    """Delete flow logs. Return the ids that could not be deleted, each with its error."""
    unsuccessful: list[tuple[str, Ec2Error]] = []
    for flow_log_id in dict.fromkeys(flow_log_ids):
        try:
            row: FlowLog = lookup.one(session, FLOW_LOG, account, flow_log_id)
        except Ec2Error as error:
            unsuccessful.append((flow_log_id, error))
            continue
        tags.forget(session, flow_log_id)
        session.delete(row)
    session.flush()
    return unsuccessful


def covering(session: Session, vpc_id: str, subnet_id: str, interface_id: str) -> list[FlowLog]:
    """Return the flow logs of an interface, its subnet or its VPC."""
    statement = select(FlowLog).where(FlowLog.resource_id.in_((vpc_id, subnet_id, interface_id)))
    return list(session.scalars(statement.order_by(FlowLog.flow_log_id)))


def _destination(request: Mapping[str, Any], destination_type: str) -> tuple[str | None, str | None]:
    group, destination = request.get("LogGroupName"), request.get("LogDestination")
    if group and destination:
        raise FlowLogParameter("two-destinations")
    if group and destination_type != CLOUD_WATCH:
        raise FlowLogParameter("group-with-s3")
    if not group and not destination:
        raise FlowLogParameter("no-destination")
    role = request.get("DeliverLogsPermissionArn")
    if destination_type == S3:
        if role:
            raise FlowLogParameter("role-with-s3")
        bucket, prefix = _bucket_and_prefix(str(destination))
        if not bucket:
            raise FlowLogParameter("bad-destination")
        if "AWSLogs" in prefix.split("/"):
            raise FlowLogParameter("reserved-prefix")
        return None, str(destination)
    if not role:
        raise FlowLogParameter("no-role")
    if group is None:
        group = _group_of(str(destination))
    if not _GROUP_NAME.fullmatch(group):
        raise InvalidParameterValue("logGroupName", group, "This is not a valid log group name.")
    return group, destination


def _bucket_and_prefix(destination: str) -> tuple[str, str]:
    try:
        arn = Arn.parse(destination)
    except ValueError:
        return "", ""
    bucket, _, prefix = arn.resource.partition("/")
    if arn.service != "s3":
        return "", ""
    return bucket, prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _group_of(destination: str) -> str:
    try:
        arn = Arn.parse(destination)
    except ValueError:
        raise FlowLogParameter("bad-destination") from None
    kind, _, name = arn.resource.partition(":")
    if arn.service != "logs" or kind != "log-group" or not name:
        raise FlowLogParameter("bad-destination")
    return name.removesuffix(":*")


def _format(text: str | None) -> str:
    if text is None:
        return DEFAULT_FORMAT
    try:
        parse_format(text)
    except LogFormatError as error:
        if error.fields:
            raise UnknownFlowLogField(", ".join(error.fields)) from None
        raise FlowLogParameter("bad-format") from None
    return text
