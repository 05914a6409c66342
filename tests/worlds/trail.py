"""Records of calls as the servers pass them on, and a clock that tests control."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.call_record import CallRecord, S3Details

ACCOUNT = "111122223333"
OTHER = "444455556666"
REGION = "us-east-1"
NOON = dt.datetime(2026, 3, 1, 12, 0, 0, tzinfo=dt.UTC)
USER = Principal("user", ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann", "AIDAANN", user_name="ann")
SESSION = Principal(
    "session",
    ACCOUNT,
    f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/job",
    "AROAREADER:job",
    role_arn=f"arn:aws:iam::{ACCOUNT}:role/team/Reader",
    token_issued_at=NOON,
)


class Clock:
    """A time that changes only when a test changes it."""

    def __init__(self, now: dt.datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        """Return the time."""
        return self.now


def record(**changes: Any) -> CallRecord:
    """Return the record of a call by ann, with changes."""
    plain = CallRecord(
        service="ec2",
        operation="CreateVpc",
        request_id="11111111-2222-3333-4444-555555555555",
        ended_at=NOON,
        region=REGION,
        path=NetworkPath(source_ip="203.0.113.9", secure=True),
        principal=USER,
        access_key_id="AKIAANN",
        user_agent="Boto3/1",
        parameters={"CidrBlock": "10.0.0.0/16"},
        output={"Vpc": {"VpcId": "vpc-1"}},
        host="ec2.us-east-1.amazonaws.com",
    )
    return dataclasses.replace(plain, **changes)


def s3_record(operation: str = "GetObject", **details: Any) -> CallRecord:
    """Return the record of a call of S3; ``details`` are those of ``S3Details``."""
    plain: dict[str, Any] = {"bucket": "papers", "key": "a b.txt", "owner": ACCOUNT, "query": {}, "headers": {}}
    own = S3Details(**{**plain, "signature_version": "SigV4", **details})
    return record(service="s3", operation=operation, parameters={}, output=None, host="papers.s3.test", s3=own)
