"""Operations on flow logs."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.operations import Authorizer, PassedRole
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.vpc import idempotency, lookup, tags
from reading_room.vpc.errors import Ec2Error
from reading_room.vpc.flow_logs import flow_logs
from reading_room.vpc.identifiers import FLOW_LOG
from reading_room.vpc.operations.binding import Ec2Operations, Request, Response, ec2
from reading_room.vpc.operations.describing import shown
from reading_room.vpc.operations.scope import about, anything, created, existing
from reading_room.vpc.pagination import Paging
from reading_room.vpc.quotas import Quotas
from reading_room.vpc.tables import FlowLog

FLOW_LOG_FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "log-destination-type": "LogDestinationType",
    "flow-log-id": "FlowLogId",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
    "tag-key": "",
}
_NEVER_MORE = 1_000_000


class FlowLogOperations(Ec2Operations):
    """CreateFlowLogs and related operations."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        authorizer: Authorizer,
        bucket_check: flow_logs.BucketCheck,
        quotas: Quotas = Quotas(),
    ) -> None:
        super().__init__(database, clock, authorizer, quotas)
        self._bucket_check = bucket_check

    @ec2(
        "CreateFlowLogs",
        "ClientToken DeliverLogsPermissionArn LogGroupName ResourceIds ResourceType TrafficType LogDestinationType "
        "LogDestination LogFormat TagSpecifications MaxAggregationInterval DestinationOptions",
        scope=about(created(FLOW_LOG), anything("ResourceIds")),
        passes_role=PassedRole("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
    )
    def create_flow_logs(self, call: Call, request: Request) -> Response:
        """Create a flow log for each resource; those that could not be created are listed."""
        wanted = self.authorize_tags(call, request, FLOW_LOG)
        settings = flow_logs.requested(request)
        if settings.destination_type == flow_logs.S3:
            self.authorize_also(call, "logs:CreateLogDelivery")
        # EC2 generates a token for a call without one, and shows it.
        token = {"ClientToken": request.get("ClientToken") or str(uuid.uuid4())}
        made: list[str] = []
        unsuccessful: list[dict[str, Any]] = []
        with self.database.reading() as session:
            earlier = idempotency.earlier(session, call.account, "CreateFlowLogs", request)
        if earlier is not None:
            return {"FlowLogIds": earlier, "Unsuccessful": [], **token}
        # Ask the object store before taking the write lock: it may have to read the database itself.
        verdict = self._verdict(call, settings)
        with self.database.transaction() as session:
            for resource in dict.fromkeys(request["ResourceIds"]):
                try:
                    row = flow_logs.create(
                        session, call.account, settings, resource, self.clock(), verdict, quotas=self.quotas
                    )
                except Ec2Error as error:
                    unsuccessful.append(_unsuccessful(resource, error))
                    continue
                tags.put(session, FLOW_LOG, call.account, row.flow_log_id, wanted)
                made.append(row.flow_log_id)
            if made and verdict == "grantable":
                self._bucket_check.grant(session, call.account, settings.bucket, settings.key_prefix(call.account))
            if made:
                idempotency.remember(session, call.account, "CreateFlowLogs", request, made, self.clock())
        return {"FlowLogIds": made, "Unsuccessful": unsuccessful, **token}

    @ec2("DescribeFlowLogs", "FlowLogIds Filter MaxResults NextToken")
    def describe_flow_logs(self, call: Call, request: Request) -> Response:
        """List flow logs."""
        with self.database.reading() as session:
            rows = lookup.described(session, FLOW_LOG, call.account, request.get("FlowLogIds") or ())
            views = flow_log_views(session, rows)
        paging = Paging("DescribeFlowLogs", "FlowLogId", least=1, most=_NEVER_MORE)
        return shown(views, request, "FlowLogs", FLOW_LOG_FILTERS, paging, parameter="Filter")

    @ec2("DeleteFlowLogs", "FlowLogIds", scope=about(existing(FLOW_LOG, "FlowLogIds")))
    def delete_flow_logs(self, call: Call, request: Request) -> Response:
        """Delete flow logs; those that could not be deleted are listed."""
        with self.database.transaction() as session:
            failed = flow_logs.delete_flow_logs(session, call.account, request["FlowLogIds"])
        return {"Unsuccessful": [_unsuccessful(flow_log_id, error) for flow_log_id, error in failed]}

    def _verdict(self, call: Call, settings: flow_logs.Settings) -> flow_logs.BucketVerdict:
        if settings.destination_type != flow_logs.S3:
            return "denied" if settings.names_group_elsewhere(call.account, call.region) else "writable"
        return self._bucket_check(call, settings.bucket, settings.key_prefix(call.account))


def flow_log_views(session: Session, rows: list[FlowLog]) -> list[dict[str, Any]]:
    """Return flow logs as EC2 shows them."""
    tagged = tags.of(session, [row.flow_log_id for row in rows])
    return [_view(row) | {"Tags": tagged[row.flow_log_id]} for row in rows]


def _view(row: FlowLog) -> dict[str, Any]:
    view: dict[str, Any] = {
        "FlowLogId": row.flow_log_id,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": row.resource_id,
        "TrafficType": row.traffic_type,
        "LogDestinationType": row.destination_type,
        "LogDestination": row.log_destination,
        "LogGroupName": row.log_group_name,
        "DeliverLogsPermissionArn": row.deliver_role_arn,
        "DeliverLogsStatus": row.deliver_status,
        "DeliverLogsErrorMessage": row.deliver_error,
        "LogFormat": row.log_format,
        "MaxAggregationInterval": row.max_aggregation_interval,
        "CreationTime": row.created_at,
    }
    if row.destination_type == flow_logs.S3:
        view["DestinationOptions"] = {
            "FileFormat": row.file_format,
            "HiveCompatiblePartitions": row.hive_compatible_partitions,
            "PerHourPartition": row.per_hour_partition,
        }
    return {member: value for member, value in view.items() if value is not None}


def _unsuccessful(resource: str, error: Ec2Error) -> dict[str, Any]:
    return {"ResourceId": resource, "Error": {"Code": error.code, "Message": error.message}}
