"""The service's own bucket for custom models, ``reading-room-models-REGION``, and the only role that may use it.

Both belong to an account that nobody has: no account lists the bucket, every user is denied, and no policy of a
customer applies to the role. The container of a job gets a session of the role that is limited to the object of its
model, or for an evaluation those of both models, and to the network addresses of the job.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reading_room.arns import bucket_arn, iam_arn
from reading_room.iam import inline_policies, roles
from reading_room.iam.tables import Role
from reading_room.s3.buckets import create
from reading_room.s3.service_bucket_name import OWNER, bucket_name
from reading_room.s3.tables import S3Bucket

SERVICE_PRINCIPAL = "comprehend.amazonaws.com"
_ROLE = "ReadingRoomModels"
_PATH = "/service-role/"
ROLE_ARN = iam_arn(OWNER, f"role{_PATH}{_ROLE}")
_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:AbortMultipartUpload")


class ServiceBucketTaken(Exception):
    """A bucket of another account has the name of the service's own bucket."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(
            f"the bucket {name}, in which the service keeps custom models, belongs to account {account}: "
            "move its objects to a bucket of another name and delete it"
        )


def ensure(session: Session, region: str, now: dt.datetime) -> None:
    """Create the bucket and the role if they are missing. Raises ``ServiceBucketTaken``."""
    name = bucket_name(region)
    row = session.get(S3Bucket, name)
    if row is not None and row.account != OWNER:
        raise ServiceBucketTaken(name, row.account)
    if row is None:
        create(session, name, OWNER, region, now)
    if session.scalar(select(Role.unique_id).filter_by(account=OWNER, name_key=_ROLE.lower())) is None:
        trust = _policy({"Action": "sts:AssumeRole", "Principal": {"Service": SERVICE_PRINCIPAL}})
        role = roles.create(session, OWNER, _ROLE, trust, now, path=_PATH)
        allowed = _policy({"Action": [*_READ, *_WRITE], "Resource": bucket_arn(name, "*")})
        inline_policies.put(session, "role", role.unique_id, _ROLE, "Artifacts", allowed)


def session_policy(
    bucket: str, keys: Sequence[str], *, writes: bool, vpc_id: str | None, inside: Sequence[str], outside: Sequence[str]
) -> str:
    """Return the policy of a session for the artifacts of one job, valid only from the addresses of one interface.

    ``inside`` are the addresses that S3 sees for requests from the VPC. ``outside`` are those for requests that come to
    S3 from no VPC: through a gateway, or from the service's own network.
    """
    places: list[dict[str, Any]] = []
    if vpc_id is not None:
        places.append({"StringEquals": {"aws:SourceVpc": vpc_id}, "IpAddress": {"aws:VpcSourceIp": list(inside)}})
    if outside:
        places.append({"IpAddress": {"aws:SourceIp": list(outside)}})
    resources = [bucket_arn(bucket, key) for key in keys]
    allowed = {
        "Action": list(_WRITE if writes else _READ),
        "Resource": resources if len(resources) > 1 else resources[0],
    }
    return _policy(*({**allowed, "Condition": place} for place in places))


def _policy(*statements: Mapping[str, Any]) -> str:
    whole = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})
