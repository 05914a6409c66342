"""CloudWatch Logs operations on export tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reading_room.aws.call import Call
from reading_room.aws.operations import operation
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.logs import exports, streams
from reading_room.logs.addressing import named_stream
from reading_room.logs.errors import BucketRefused, InvalidParameterException
from reading_room.logs.exports import ExportBuckets
from reading_room.logs.pages import page
from reading_room.logs.tables import ExportTask

if TYPE_CHECKING:
    from mypy_boto3_logs import type_defs as t

WRITE_TEST = "aws-logs-write-test"
"""The object that is written when a task is created, as a test of the service's permission."""


class ExportOperations:
    """CreateExportTask, DescribeExportTasks and CancelExportTask."""

    def __init__(self, database: Database, clock: Clock, buckets: ExportBuckets) -> None:
        self._database = database
        self._clock = clock
        self._buckets = buckets

    @operation("logs", "CreateExportTask", resources=named_stream)
    def create(self, call: Call, request: t.CreateExportTaskRequestTypeDef) -> Mapping[str, Any]:
        """CreateExportTask: checks the bucket now; the group's events are read later."""
        parameters = call.parameters
        bucket, prefix = parameters["destination"], parameters.get("destinationPrefix")
        if parameters["to"] < parameters["from"]:
            raise InvalidParameterException("The end of the time range, 'to', is before its start, 'from'.")
        with self._database.reading() as session:
            group = streams.get_group(session, call.account, parameters["logGroupName"])
            arn = f"{group.arn}:*"
            exports.check_room(session, call.account)
        key_prefix = exports.DEFAULT_PREFIX if prefix is None else prefix
        verdict = self._buckets.check(call, bucket, key_prefix, arn)
        if verdict == "missing":
            raise InvalidParameterException("The given bucket does not exist. Please make sure the bucket is valid.")
        if verdict != "writable":
            raise BucketRefused(verdict)
        # As in AWS, without a prefix the test object is beside the default prefix, not below it.
        test = WRITE_TEST if prefix is None else f"{prefix}/{WRITE_TEST}"
        self._buckets.put(call.account, bucket, test, b"Permission Check Successful", arn)
        with self._database.transaction() as session:
            task = exports.create(
                session,
                streams.get_group(session, call.account, parameters["logGroupName"]),
                streams.milliseconds(self._clock()),
                name=parameters.get("taskName"),
                stream_prefix=parameters.get("logStreamNamePrefix", ""),
                start=parameters["from"],
                end=parameters["to"],
                bucket=bucket,
                key_prefix=key_prefix,
            )
            return {"taskId": task.task_id}

    @operation("logs", "DescribeExportTasks")
    def describe(self, call: Call, request: t.DescribeExportTasksRequestTypeDef) -> Mapping[str, Any]:
        """DescribeExportTasks: newest first; empty for an unknown id."""
        with self._database.reading() as session:
            found = exports.every(session, call.account, request.get("taskId"), request.get("statusCode"))
            shown, more = page(found, call.parameters, lambda task: task.task_id)
            return {"exportTasks": [_structure(task) for task in shown], **more}

    @operation("logs", "CancelExportTask")
    def cancel(self, call: Call, request: t.CancelExportTaskRequestTypeDef) -> None:
        """CancelExportTask."""
        with self._database.transaction() as session:
            exports.cancel(session, call.account, request["taskId"], streams.milliseconds(self._clock()))


def _structure(task: ExportTask) -> dict[str, Any]:
    times = {"creationTime": task.created_at}
    return {
        "taskId": task.task_id,
        **({} if task.name is None else {"taskName": task.name}),
        "logGroupName": task.group_name,
        "from": task.start,
        "to": task.end,
        "destination": task.bucket,
        "destinationPrefix": task.key_prefix,
        "status": {"code": task.state, **({"message": task.message} if task.message else {})},
        "executionInfo": times if task.completed_at is None else {**times, "completionTime": task.completed_at},
    }
