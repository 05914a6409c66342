"""The destinations of records: a log group, with the flow log's role, or a bucket, as the log delivery service.

Both are authorized: the role must trust ``vpc-flow-logs.amazonaws.com`` and have a policy that allows writing; a
bucket's policy must allow ``delivery.logs.amazonaws.com``.
"""

from __future__ import annotations

import datetime as dt
import gzip
import secrets
from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import select

from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.call_record import Recorder, forget, record_of
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock
from reading_room.database.engine import Database
from reading_room.flowlogs import parquet_file
from reading_room.flowlogs.aggregate import ClosedWindow, FlowLogTarget
from reading_room.flowlogs.record import header, line
from reading_room.iam.authorizer import PolicyAuthorizer, request_context
from reading_room.iam.errors import AccessDeniedException
from reading_room.iam.principals import service_principal
from reading_room.iam.service_sessions import assume_recorded
from reading_room.ids import request_id
from reading_room.logs import streams
from reading_room.logs.room import LogRoom
from reading_room.logs.tables import LogGroup, LogStream

FLOW_LOG_SERVICE = "vpc-flow-logs.amazonaws.com"
DELIVERY_SERVICE = "delivery.logs.amazonaws.com"
_RENEW_BEFORE = dt.timedelta(minutes=10)


class PutObject(Protocol):
    """Writes an object as a principal that the bucket's policy must allow; raises ``AwsError`` if it does not."""

    def __call__(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Store ``data`` under ``key``, durably."""
        ...


class LogGroupDestination:
    """Writes to CloudWatch Logs, with one stream per interface."""

    def __init__(
        self,
        database: Database,
        authorizer: PolicyAuthorizer,
        clock: Clock,
        region: str,
        trail: Recorder = forget,
        room: LogRoom | None = None,
    ) -> None:
        self._room = room or LogRoom()
        self._trail = trail
        self._database = database
        self._authorizer = authorizer
        self._clock = clock
        self._region = region
        self._roles: dict[str, tuple[Principal, dt.datetime]] = {}

    def deliver(self, target: FlowLogTarget, windows: Sequence[ClosedWindow]) -> None:
        """Write the records of one flow log.

        As in AWS, the first record creates the group and the streams. Raises ``RoleNotAssumable``,
        ``AccessDeniedException`` and ``NoRoomForLogs``.
        """
        assert target.log_group_name is not None
        assert target.deliver_role_arn is not None
        role = self._role(target, target.deliver_role_arn)
        events: dict[str, list[streams.NewEvent]] = {}
        for window in windows:
            name = f"{window.covered.interface.interface_id}-{target.traffic_type.lower()}"
            events.setdefault(name, []).extend(
                streams.NewEvent(record.start * 1000, line(record, target.fields)) for record in window.records
            )
        done = self._authorize(role, target, target.log_group_name, list(events))
        now = streams.milliseconds(self._clock())
        with self._database.transaction() as session:
            for name, batch in events.items():
                batch.sort(key=lambda event: event.timestamp)
                self._room.take(session, target.account, batch)
                streams.append(session, target.account, self._region, target.log_group_name, name, batch, now)
        for action, name in done:
            self._record(role, target, action, name, request_id())

    def _role(self, target: FlowLogTarget, role_arn: str) -> Principal:
        kept = self._roles.get(target.flow_log_id)
        now = self._clock()
        if kept is not None and kept[1] - now > _RENEW_BEFORE:
            return kept[0]
        principal, credentials = assume_recorded(
            self._trail,
            self._database,
            role_arn,
            FLOW_LOG_SERVICE,
            target.flow_log_id,
            self._clock,
            source_arn=f"arn:aws:ec2:{self._region}:{target.account}:vpc-flow-log/{target.flow_log_id}",
            source_account=target.account,
            organization=self._authorizer.organization,
        )
        self._roles[target.flow_log_id] = principal, credentials.expires_at
        return principal

    def _authorize(
        self, role: Principal, target: FlowLogTarget, group_name: str, stream_names: Sequence[str]
    ) -> list[tuple[str, str]]:
        """Return the required actions, each with its stream, if allowed. Raises ``AccessDeniedException``."""
        with self._database.reading() as session:
            group = session.scalar(select(LogGroup).filter_by(account=target.account, name=group_name))
            known = set()
            if group is not None:
                known = set(session.scalars(select(LogStream.name).filter_by(group_id=group.group_id)))
        needed = [] if group is not None else [("logs:CreateLogGroup", "")]
        for name in stream_names:
            needed += [] if name in known else [("logs:CreateLogStream", name)]
            needed.append(("logs:PutLogEvents", name))
        context = request_context(
            NetworkPath(secure=True),
            principal=role,
            now=self._clock(),
            region=self._region,
            user_agent=FLOW_LOG_SERVICE,
        )
        for action, name in needed:
            decision = self._authorizer.decide(
                principal=role,
                action=action,
                resource=f"arn:aws:logs:{self._region}:{target.account}:log-group:{group_name}:log-stream:{name}",
                context=context,
                resource_account=target.account,
            )
            if not decision.allowed:
                # The role may have been recreated, or have another trust policy: assume it again next time.
                self._roles.pop(target.flow_log_id, None)
                denial, identifier = AccessDeniedException(decision.message()), request_id()
                self._authorizer.denied(identifier, decision)
                self._record(role, target, action, name, identifier, denial)
                raise denial
        return needed

    def _record(
        self,
        role: Principal,
        target: FlowLogTarget,
        action: str,
        stream_name: str,
        identifier: str,
        error: AwsError | None = None,
    ) -> None:
        stream = {"logStreamName": stream_name} if stream_name else {}
        call = Call(
            service="logs",
            operation=action.partition(":")[2],
            parameters={"logGroupName": target.log_group_name, **stream},
            principal=role,
            account=target.account,
            region=self._region,
            path=NetworkPath(secure=True),
            request_id=identifier,
            user_agent=FLOW_LOG_SERVICE,
        )
        self._trail(record_of(call, self._clock(), error=error))


class BucketDestination:
    """Writes to S3: one compressed file per delivery."""

    def __init__(self, put_object: PutObject, region: str) -> None:
        self._put_object = put_object
        self._region = region

    def deliver(self, target: FlowLogTarget, windows: Sequence[ClosedWindow]) -> None:
        """Write the records of one flow log. Raises the store's ``AwsError``, and ``ParquetFailed``."""
        assert target.bucket is not None
        lines = [header(target.fields)]
        lines += [line(record, target.fields) for window in windows for record in window.records]
        end = dt.datetime.fromtimestamp(max(window.end for window in windows), dt.UTC)
        text = ("\n".join(lines) + "\n").encode()
        self._put_object(
            target.bucket,
            object_key(target, self._region, end),
            parquet_file.from_text(text) if target.parquet else gzip.compress(text, mtime=0),
            "application/octet-stream",
            service_principal(DELIVERY_SERVICE),
            {
                "aws:SourceAccount": (target.account,),
                "aws:SourceArn": (f"arn:aws:logs:{self._region}:{target.account}:*",),
                "s3:x-amz-acl": ("bucket-owner-full-control",),
            },
        )


def object_key(target: FlowLogTarget, region: str, end: dt.datetime) -> str:
    """Return the key of a new file of records; ``end`` is the end of the window."""
    if target.hive_compatible_partitions:
        folders = [
            f"aws-account-id={target.account}",
            "aws-service=vpcflowlogs",
            f"aws-region={region}",
            f"year={end:%Y}",
            f"month={end:%m}",
            f"day={end:%d}",
        ]
        hour = f"hour={end:%H}"
    else:
        folders = [target.account, "vpcflowlogs", region, f"{end:%Y}", f"{end:%m}", f"{end:%d}"]
        hour = f"{end:%H}"
    if target.per_hour_partition:
        folders.append(hour)
    stem = f"{target.account}_vpcflowlogs_{region}_{target.flow_log_id}_{end:%Y%m%dT%H%MZ}_{secrets.token_hex(4)}"
    name = f"{stem}.log.parquet" if target.parquet else f"{stem}.log.gz"
    return f"{target.key_prefix}AWSLogs/{'/'.join(folders)}/{name}"
