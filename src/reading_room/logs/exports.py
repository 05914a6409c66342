"""Exports of log groups to buckets: the tasks, and the loop that runs them, one per account at a time.

The layout is AWS's (CloudWatch Logs User Guide, "Exporting log data to Amazon S3"): below the prefix, a folder per task
contains a folder per stream with compressed files. Each line has an event's time and message.
"""

from __future__ import annotations

import datetime as dt
import gzip
import io
import logging
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.aws.call import Call
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.ids import unique_id
from reading_room.logs import reading, streams
from reading_room.logs.errors import ExportIsOver, ExportLimitExceeded, NoSuchExportTask
from reading_room.logs.retention import oldest_kept
from reading_room.logs.tables import ExportTask, LogGroup, LogStream
from reading_room.reconcile import PeriodicWork

logger = logging.getLogger(__name__)

DEFAULT_PREFIX = "exportedlogs"
ACTIVE = ("PENDING", "RUNNING", "PENDING_CANCEL")
FILE_BYTES = 8_388_608
"""Approximate bytes of lines per file before compression; they are held in memory."""
TURN_SECONDS = 60.0
LATEST = 1 << 62
"""A time after all events, in milliseconds since 1970."""

Verdict = Literal["writable", "missing", "caller may not write", "service may not read", "service may not write"]


class ExportBuckets(Protocol):
    """The buckets to export to, accessed as the service principal of CloudWatch Logs, subject to their policies."""

    def check(self, call: Call, bucket: str, key_prefix: str, group_arn: str) -> Verdict:
        """Return whether a caller may export a group under a prefix, and the service may write there."""
        ...

    def put(self, account: str, bucket: str, key: str, data: bytes, group_arn: str) -> None:
        """Store an object for an account. Raises ``AwsError`` as the store does."""
        ...


def create(
    session: Session,
    group: LogGroup,
    now: int,
    *,
    name: str | None,
    stream_prefix: str,
    start: int,
    end: int,
    bucket: str,
    key_prefix: str,
) -> ExportTask:
    """Create a task to be run. Raises ``ExportLimitExceeded`` if the account has an active one."""
    check_room(session, group.account)
    task = ExportTask(
        task_id=unique_id("export"),
        account=group.account,
        region=group.region,
        name=name,
        group_name=group.name,
        stream_prefix=stream_prefix,
        start=start,
        end=end,
        bucket=bucket,
        key_prefix=key_prefix,
        state="PENDING",
        message="",
        created_at=now,
    )
    session.add(task)
    session.flush()
    return task


def check_room(session: Session, account: str) -> None:
    """Raise ``ExportLimitExceeded`` if an account has an active task."""
    if session.scalar(select(ExportTask).filter_by(account=account).where(ExportTask.state.in_(ACTIVE)).limit(1)):
        raise ExportLimitExceeded


def every(session: Session, account: str, task_id: str | None, state: str | None) -> Sequence[ExportTask]:
    """Return an account's tasks, newest first, optionally only the one with an id or those in a state."""
    found = select(ExportTask).filter_by(account=account)
    if task_id is not None:
        found = found.where(ExportTask.task_id == task_id)
    if state is not None:
        found = found.where(ExportTask.state == state)
    return session.scalars(found.order_by(ExportTask.number.desc())).all()


def cancel(session: Session, account: str, task_id: str, now: int) -> None:
    """Cancel a task. Raises ``NoSuchExportTask`` and ``ExportIsOver``."""
    task = session.scalar(select(ExportTask).filter_by(account=account, task_id=task_id))
    if task is None:
        raise NoSuchExportTask
    if task.state not in ACTIVE:
        raise ExportIsOver
    if task.state == "PENDING":
        _end(task, "CANCELLED", "Cancelled by user", now)
    else:
        task.state = "PENDING_CANCEL"


def folder(task: ExportTask, stream_name: str) -> str:
    """Return the key prefix of a stream's files; slashes in the stream's name create no folders."""
    return f"{task.key_prefix}/{task.task_id}/{stream_name.replace('/', '-')}/"


class LogExports(PeriodicWork):
    """The loop that runs export tasks. Tasks that a crash interrupted are run again."""

    def __init__(
        self, database: Database, buckets: ExportBuckets, clock: Clock, days: int = 0, file_bytes: int = FILE_BYTES
    ) -> None:
        """``days`` is how long groups without a retention policy keep events, 0 for ever.

        ``file_bytes`` is the approximate size of a file's lines before compression.
        """
        self._days = days
        self._file_bytes = file_bytes
        self._database = database
        self._buckets = buckets
        self._clock = clock
        super().__init__("log exports", every=TURN_SECONDS)
        database.on_commit(self._written)

    def turn(self) -> None:
        """Run every active task. A task that fails records the reason, and does not stop the others."""
        with self._database.reading() as session:
            task_ids = session.scalars(
                select(ExportTask.task_id).where(ExportTask.state.in_(ACTIVE)).order_by(ExportTask.number)
            ).all()
        for task_id in task_ids:
            try:
                self._carry_out(task_id)
            except AwsError as error:
                logger.warning("export task %s failed: %s", task_id, error)
                self._finish(task_id, "FAILED", str(error))
            except Exception:
                logger.exception("export task %s failed", task_id)
                self._finish(task_id, "FAILED", "The export failed because of an internal error")

    def _written(self, tables: frozenset[str]) -> None:
        if ExportTask.__tablename__ in tables and not self._loop.turning_here():
            self._loop.wake()

    def _carry_out(self, task_id: str) -> None:
        with self._database.transaction() as session:
            task = _task(session, task_id)
            if task.state == "PENDING":
                task.state, task.message = "RUNNING", "Started successfully"
            group = session.scalar(select(LogGroup).filter_by(account=task.account, name=task.group_name))
            if group is None:
                _end(task, "FAILED", "The specified log group does not exist.", streams.milliseconds(self._clock()))
                return
            names = [
                (stream.stream_id, stream.name)
                for stream in streams.streams(session, group)
                if stream.name.startswith(task.stream_prefix)
            ]
            oldest, arn = oldest_kept(group, streams.milliseconds(self._clock()), self._days), f"{group.arn}:*"
        for stream_id, name in names:
            for number, data in enumerate(self._files(task, stream_id, max(task.start, oldest))):
                if self._is_cancelled(task_id):
                    return
                self._buckets.put(task.account, task.bucket, f"{folder(task, name)}{number:06}.gz", data, arn)
        if not self._is_cancelled(task_id):
            self._finish(task_id, "COMPLETED", "Completed successfully")

    def _files(self, task: ExportTask, stream_id: int, start: int) -> Iterator[bytes]:
        """Yield a stream's events as compressed files of lines."""
        lines, size, token = io.BytesIO(), 0, None
        while True:
            with self._database.reading() as session:
                stream = session.get(LogStream, stream_id)
                if stream is None:
                    break
                page = reading.read_stream(
                    session, stream, start=start, end=min(task.end, LATEST) + 1, from_head=True, token=token
                )
            for event in page.events:
                size += lines.write(_line(event.timestamp, event.message))
            if size >= self._file_bytes or (not page.events and size):
                yield gzip.compress(lines.getvalue(), mtime=0)
                lines, size = io.BytesIO(), 0
            if not page.events:
                break
            token = page.forward_token

    def _is_cancelled(self, task_id: str) -> bool:
        """Return whether a task was cancelled since; if so, end it."""
        with self._database.reading() as session:
            if _task(session, task_id).state != "PENDING_CANCEL":
                return False
        self._finish(task_id, "CANCELLED", "Cancelled by user")
        return True

    def _finish(self, task_id: str, state: str, message: str) -> None:
        with self._database.transaction() as session:
            _end(_task(session, task_id), state, message, streams.milliseconds(self._clock()))


def _task(session: Session, task_id: str) -> ExportTask:
    return session.scalars(select(ExportTask).filter_by(task_id=task_id)).one()


def _end(task: ExportTask, state: str, message: str, now: int) -> None:
    task.state, task.message, task.completed_at = state, message, now


def _line(timestamp: int, message: str) -> bytes:
    moment = dt.datetime.fromtimestamp(timestamp // 1000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp % 1000:03}Z {message}\n".encode()
