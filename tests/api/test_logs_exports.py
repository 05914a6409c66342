"""Exports of a log group to a bucket: the task and its states, the bucket policy, and the exported files."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from reading_room.aws.call import Call
from reading_room.logs import streams
from reading_room.logs.exports import ExportBuckets, LogExports, Verdict
from reading_room.logs.streams import NewEvent, milliseconds
from reading_room.logs.tables import ExportTask
from reading_room.s3.log_exports import S3ExportBuckets
from tests.worlds.iam import refusal
from tests.worlds.models import ACCOUNT, REGION, ModelWorld

pytestmark = pytest.mark.costs(0.3, reason="it starts the whole product")
SERVICE = f"logs.{REGION}.amazonaws.com"
SOURCE = {
    "StringEquals": {"aws:SourceAccount": [ACCOUNT]},
    "ArnLike": {"aws:SourceArn": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/jobs:*"]},
}
OWNED = {**SOURCE, "StringEquals": {**SOURCE["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}}


def bucket_policy(service: str = SERVICE, below: str = "", *, reads: bool = True, writes: bool = True) -> str:
    """Return the bucket policy from AWS's guide, or the policy without one of its statements."""
    principal = {"Service": service}
    statements = [
        {
            "Effect": "Allow" if reads else "Deny",
            "Principal": principal,
            "Action": "s3:GetBucketAcl",
            "Resource": "arn:aws:s3:::shelf",
            "Condition": SOURCE,
        },
        {
            "Effect": "Allow" if writes else "Deny",
            "Principal": principal,
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::shelf/{below}*",
            "Condition": OWNED,
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ModelWorld]:
    """The whole product in one process; its clock moves only when a test moves it."""
    world = ModelWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def s3(world: ModelWorld) -> Any:
    """A client of an account with a bucket that allows exports."""
    client = world.client_of("bob", service="s3")
    client.create_bucket(Bucket="shelf")
    client.put_bucket_policy(Bucket="shelf", Policy=bucket_policy())
    return client


@pytest.fixture
def logs(world: ModelWorld, s3: Any) -> Any:
    """A client of the same account, with a group of two streams with ten events each, one second apart."""
    client = world.client_of("alice", service="logs")
    client.create_log_group(logGroupName="/jobs")
    for stream in ("one", "two/b"):
        client.create_log_stream(logGroupName="/jobs", logStreamName=stream)
        events = [{"timestamp": start(world) + 1000 * n, "message": f"{stream} {n}"} for n in range(10)]
        client.put_log_events(logGroupName="/jobs", logStreamName=stream, logEvents=events)
    return client


def start(world: ModelWorld) -> int:
    """Return the time of the first events."""
    return milliseconds(world.now) - 60_000


def export(world: ModelWorld, logs: Any, **options: Any) -> str:
    """Create a task that exports everything, and return its id."""
    parameters = {
        "logGroupName": "/jobs",
        "fromTime": 0,
        "to": milliseconds(world.now),
        "destination": "shelf",
        **options,
    }
    return str(logs.create_export_task(**parameters)["taskId"])


def described(logs: Any, task_id: str) -> dict[str, Any]:
    """Return a task from DescribeExportTasks."""
    (task,) = logs.describe_export_tasks(taskId=task_id)["exportTasks"]
    return dict(task)


def keys(s3: Any) -> list[str]:
    """Return the keys in the bucket."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket="shelf").get("Contents", [])]


def buckets(world: ModelWorld) -> S3ExportBuckets:
    """Return the product's own buckets for exports."""
    product = world.product
    return S3ExportBuckets(
        backend=world.backend,
        authorization=product.access.s3,
        store=product.objects.store,
        region=REGION,
        clock=world.clock,
    )


def lines(s3: Any, key: str) -> list[str]:
    """Return the lines of an exported file."""
    return gzip.decompress(s3.get_object(Bucket="shelf", Key=key)["Body"].read()).decode().splitlines()


def test_a_group_is_exported_stream_by_stream(world: ModelWorld, logs: Any, s3: Any) -> None:
    task_id = export(world, logs, taskName="nightly")
    assert s3.get_object(Bucket="shelf", Key="aws-logs-write-test")["Body"].read() == b"Permission Check Successful"
    created = milliseconds(world.now)
    assert described(logs, task_id) == {
        "taskId": task_id,
        "taskName": "nightly",
        "logGroupName": "/jobs",
        "from": 0,
        "to": created,
        "destination": "shelf",
        "destinationPrefix": "exportedlogs",
        "status": {"code": "PENDING"},
        "executionInfo": {"creationTime": created},
    }
    world.now += dt.timedelta(seconds=5)
    world.product.exports.turn()
    task = described(logs, task_id)
    assert task["status"] == {"code": "COMPLETED", "message": "Completed successfully"}
    assert task["executionInfo"] == {"creationTime": created, "completionTime": created + 5000}
    folder = f"exportedlogs/{task_id}"
    assert keys(s3) == ["aws-logs-write-test", f"{folder}/one/000000.gz", f"{folder}/two-b/000000.gz"]
    found = lines(s3, f"{folder}/two-b/000000.gz")
    first = dt.datetime.fromtimestamp((created - 60_000) / 1000, dt.UTC)
    assert found[0] == f"{first:%Y-%m-%dT%H:%M:%S}.000Z two/b 0"
    assert [line.rpartition(" ")[2] for line in found] == list("0123456789")


def test_times_stream_prefix_and_destination_prefix_apply_to_an_export(world: ModelWorld, logs: Any, s3: Any) -> None:
    s3.put_bucket_policy(Bucket="shelf", Policy=bucket_policy(below="mine/"))
    task_id = export(
        world,
        logs,
        logStreamNamePrefix="o",
        destinationPrefix="mine",
        fromTime=start(world) + 2000,
        to=start(world) + 4000,
    )
    world.product.exports.turn()
    exported = f"mine/{task_id}/one/000000.gz"
    assert set(keys(s3)) == {exported, "mine/aws-logs-write-test"}
    assert [line.rpartition(" ")[2] for line in lines(s3, exported)] == ["2", "3", "4"]


def test_a_long_stream_is_exported_to_several_files(world: ModelWorld, logs: Any, s3: Any) -> None:
    big = [{"timestamp": start(world), "message": "x" * 200_000}] * 3
    for _ in range(2):
        logs.put_log_events(logGroupName="/jobs", logStreamName="one", logEvents=big)
    task_id = export(world, logs, logStreamNamePrefix="one")
    LogExports(world.database, buckets(world), world.clock, file_bytes=100_000).turn()
    files = [key for key in keys(s3) if key.endswith(".gz")]
    assert files == [f"exportedlogs/{task_id}/one/{number:06}.gz" for number in range(len(files))]
    assert len(files) > 1
    assert sum(len(lines(s3, key)) for key in files) == 16


def test_expired_events_are_not_exported(world: ModelWorld, logs: Any, s3: Any) -> None:
    old = milliseconds(world.now - dt.timedelta(days=2))
    with world.database.transaction() as session:
        streams.append(session, ACCOUNT, REGION, "/jobs", "one", [NewEvent(old, "old")], old)
    logs.put_retention_policy(logGroupName="/jobs", retentionInDays=1)
    task_id = export(world, logs, logStreamNamePrefix="one")
    world.product.exports.turn()
    assert len(lines(s3, f"exportedlogs/{task_id}/one/000000.gz")) == 10


def test_an_account_can_have_one_active_task(world: ModelWorld, logs: Any) -> None:
    first = export(world, logs)
    parameters = {"logGroupName": "/jobs", "fromTime": 0, "to": 1, "destination": "shelf"}
    assert refusal(logs.create_export_task, **parameters)[:2] == ("LimitExceededException", "Resource limit exceeded.")
    world.product.exports.turn()
    second = export(world, logs)
    assert [task["taskId"] for task in logs.describe_export_tasks()["exportTasks"]] == [second, first]
    for state, task_id in (("PENDING", second), ("COMPLETED", first)):
        assert [task["taskId"] for task in logs.describe_export_tasks(statusCode=state)["exportTasks"]] == [task_id]
    page = logs.describe_export_tasks(limit=1)
    rest = logs.describe_export_tasks(limit=1, nextToken=page["nextToken"])
    assert [task["taskId"] for task in rest["exportTasks"]] == [first]
    assert logs.describe_export_tasks(taskId="no-such-task")["exportTasks"] == []


def test_a_task_can_be_cancelled_before_it_starts_but_not_after_it_ended(world: ModelWorld, logs: Any, s3: Any) -> None:
    task_id = export(world, logs)
    logs.cancel_export_task(taskId=task_id)
    world.product.exports.turn()
    assert described(logs, task_id)["status"]["code"] == "CANCELLED"
    assert keys(s3) == ["aws-logs-write-test"]
    assert refusal(logs.cancel_export_task, taskId=task_id)[:2] == (
        "InvalidOperationException",
        "The specified export task has already finished",
    )
    assert refusal(logs.cancel_export_task, taskId="no-such-task")[:2] == (
        "ResourceNotFoundException",
        "The specified export task does not exist.",
    )


class CancellingBuckets:
    """Buckets whose user cancels the task while the first file is written."""

    def __init__(self, inner: ExportBuckets, cancel: Callable[[], object]) -> None:
        self._inner = inner
        self._cancel = cancel

    def check(self, call: Call, bucket: str, key_prefix: str, group_arn: str) -> Verdict:
        """Delegate the check."""
        return self._inner.check(call, bucket, key_prefix, group_arn)

    def put(self, account: str, bucket: str, key: str, data: bytes, group_arn: str) -> None:
        """Write the file, then cancel."""
        self._inner.put(account, bucket, key, data, group_arn)
        self._cancel()


def test_a_running_task_is_cancelled_before_its_next_file(world: ModelWorld, logs: Any, s3: Any) -> None:
    task_id = export(world, logs)

    def cancel() -> None:
        assert described(logs, task_id)["status"] == {"code": "RUNNING", "message": "Started successfully"}
        logs.cancel_export_task(taskId=task_id)
        assert described(logs, task_id)["status"]["code"] == "PENDING_CANCEL"

    LogExports(world.database, CancellingBuckets(buckets(world), cancel), world.clock).turn()
    assert described(logs, task_id)["status"]["code"] == "CANCELLED"
    assert [key for key in keys(s3) if key.endswith(".gz")] == [f"exportedlogs/{task_id}/one/000000.gz"]


def test_a_missing_bucket_or_group_is_reported_before_anything_is_written(
    world: ModelWorld, logs: Any, s3: Any
) -> None:
    parameters = {"fromTime": 0, "to": 1, "logGroupName": "/jobs", "destination": "shelf"}
    assert refusal(logs.create_export_task, **{**parameters, "destination": "no-such-bucket"})[:2] == (
        "InvalidParameterException",
        "The given bucket does not exist. Please make sure the bucket is valid.",
    )
    assert refusal(logs.create_export_task, **{**parameters, "logGroupName": "/other"})[:2] == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    assert refusal(logs.create_export_task, **{**parameters, "fromTime": 2})[0] == "InvalidParameterException"
    assert keys(s3) == []
    assert logs.describe_export_tasks()["exportTasks"] == []


@pytest.mark.parametrize(
    ("policy", "call"),
    [
        (bucket_policy(reads=False), "GetBucketAcl"),
        (bucket_policy(writes=False), "PutObject"),
        (bucket_policy("delivery.logs.amazonaws.com"), "GetBucketAcl"),
        (bucket_policy("logs.eu-west-1.amazonaws.com"), "GetBucketAcl"),
        (bucket_policy(below="elsewhere/"), "PutObject"),
    ],
)
def test_the_bucket_policy_must_allow_the_service_to_check_and_write(
    world: ModelWorld, logs: Any, s3: Any, policy: str, call: str
) -> None:
    s3.put_bucket_policy(Bucket="shelf", Policy=policy)
    code, message, _ = refusal(logs.create_export_task, logGroupName="/jobs", fromTime=0, to=1, destination="shelf")
    assert (code, message) == (
        "AccessDeniedException",
        f"{call} call on the given bucket failed. "
        "Please check if CloudWatch Logs has been granted permission to perform this operation.",
    )
    assert keys(s3) == []


def test_the_bucket_policy_can_name_the_service_without_its_region(world: ModelWorld, logs: Any, s3: Any) -> None:
    s3.put_bucket_policy(Bucket="shelf", Policy=bucket_policy("logs.amazonaws.com"))
    task_id = export(world, logs)
    world.product.exports.turn()
    assert described(logs, task_id)["status"]["code"] == "COMPLETED"


def test_a_caller_without_permission_to_write_to_the_bucket_cannot_export_to_it(world: ModelWorld, logs: Any) -> None:
    statement = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    eve = world.client_of("eve", document, service="logs")
    assert refusal(eve.create_export_task, logGroupName="/jobs", fromTime=0, to=1, destination="shelf")[:2] == (
        "AccessDeniedException",
        "Please ensure that the CreateExportTask caller has been granted s3:PutObject access to the bucket.",
    )


def test_a_task_fails_with_the_reason_if_the_bucket_policy_is_removed_meanwhile(
    world: ModelWorld, logs: Any, s3: Any
) -> None:
    task_id = export(world, logs)
    s3.delete_bucket_policy(Bucket="shelf")
    world.product.exports.turn()
    status = described(logs, task_id)["status"]
    assert status == {"code": "FAILED", "message": "Access Denied"}
    s3.put_bucket_policy(Bucket="shelf", Policy=bucket_policy())
    assert export(world, logs) != task_id


def test_a_task_interrupted_by_a_crash_is_run_again(world: ModelWorld, logs: Any, s3: Any) -> None:
    task_id = export(world, logs)
    with world.database.transaction() as session:
        session.scalars(select(ExportTask).filter_by(task_id=task_id)).one().state = "RUNNING"
    world.product.exports.turn()
    assert described(logs, task_id)["status"]["code"] == "COMPLETED"
    assert len(keys(s3)) == 3
