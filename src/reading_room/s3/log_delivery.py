"""The delivery of flow logs to a bucket: the check before EC2 creates one, and the statements that it adds.

As at AWS (VPC User Guide, "Amazon S3 bucket permissions for flow logs"), a caller who owns the bucket and may change
its policy need not do so: creating the flow log adds two statements for the delivery service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from reading_room.arns import bucket_arn
from reading_room.aws.call import Call, NetworkPath
from reading_room.clock import Clock, system_clock
from reading_room.iam.principals import service_principal
from reading_room.ids import request_id
from reading_room.s3 import buckets
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import Caller, S3Authorization
from reading_room.s3.backend import Backend
from reading_room.s3.errors import AccessDenied, MalformedPolicy, NoSuchBucket
from reading_room.vpc.flow_logs.errors import LogDestinationDenied, LogDestinationMissing
from reading_room.vpc.flow_logs.flow_logs import BucketVerdict

SERVICE = "delivery.logs.amazonaws.com"
_ACL = "bucket-owner-full-control"
_CHANGES_POLICY = ("s3:GetBucketPolicy", "s3:PutBucketPolicy")


def delivery_context(account: str, region: str) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of a delivery on behalf of an account."""
    return {
        "s3:x-amz-acl": (_ACL,),
        "aws:SourceAccount": (account,),
        "aws:SourceArn": (f"arn:aws:logs:{region}:{account}:*",),
    }


def with_delivery(policy: str | None, account: str, region: str, bucket: str, key_prefix: str) -> str:
    """Return a bucket policy (JSON) with the statements that let log delivery write under ``key_prefix``.

    The existing statements come first, unchanged.
    """
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": "2012-10-17"}
    given = document.get("Statement", [])
    statements: list[dict[str, Any]] = list(given) if isinstance(given, list) else [given]
    taken = {statement.get("Sid") for statement in statements}
    source = {"StringEquals": {"aws:SourceAccount": account}}
    from_logs = {"ArnLike": {"aws:SourceArn": f"arn:aws:logs:{region}:{account}:*"}}
    write = {"StringEquals": {"aws:SourceAccount": account, "s3:x-amz-acl": _ACL}, **from_logs}
    for sid, action, resource, condition in (
        ("AWSLogDeliveryWrite", "s3:PutObject", bucket_arn(bucket, f"{key_prefix}*"), write),
        ("AWSLogDeliveryAclCheck", "s3:GetBucketAcl", bucket_arn(bucket), {**source, **from_logs}),
    ):
        statements.append(
            {
                "Sid": _free(sid, taken),
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "Action": action,
                "Resource": resource,
                "Condition": condition,
            }
        )
    return json.dumps({**document, "Statement": statements})


class LogBuckets:
    """Implements ``vpc.flow_logs.BucketCheck``. It evaluates the bucket's policy exactly as the delivery will."""

    def __init__(
        self, *, backend: Backend, authorization: S3Authorization, region: str, clock: Clock = system_clock
    ) -> None:
        self._backend = backend
        self._authorization = authorization
        self._region = region
        self._clock = clock

    def __call__(self, call: Call, bucket: str, key_prefix: str) -> BucketVerdict:
        """Say whether the delivery service may put objects under ``key_prefix`` on behalf of the account."""
        facts = self._backend.bucket(bucket)
        if facts is None:
            return "missing"
        account = call.account
        delivery = self._delivery(account)
        put = Requirement("s3:PutObject", bucket_arn(bucket, f"{key_prefix}probe"), bucket)
        if self._authorization.permits(delivery, put, facts):
            return "writable"
        wanted = replace(facts, policy=with_delivery(facts.policy, account, self._region, bucket, key_prefix))
        # A statement that denies would win over the added ones. In that case the policy is not changed.
        if facts.account != account or not self._authorization.permits(delivery, put, wanted):
            return "denied"
        needed = tuple(Requirement(action, bucket_arn(bucket), bucket) for action in _CHANGES_POLICY)
        try:
            self._authorization.authorize(self._caller(call), needed)
        except AccessDenied:
            return "denied"
        except NoSuchBucket:
            return "missing"
        return "grantable"

    def grant(self, session: Session, account: str, bucket: str, key_prefix: str) -> None:
        """Add the delivery service's statements to the bucket's policy.

        Raises ``LogDestinationMissing``, or ``LogDestinationDenied`` if the policy would become too long.
        """
        try:
            policy = buckets.find(session, bucket).policy
            buckets.put_policy(session, bucket, with_delivery(policy, account, self._region, bucket, key_prefix))
        except NoSuchBucket:
            raise LogDestinationMissing(bucket) from None
        except (AccessDenied, MalformedPolicy):
            raise LogDestinationDenied(bucket) from None

    def _delivery(self, account: str) -> Caller:
        return self._authorization.caller(
            service_principal(SERVICE),
            NetworkPath(secure=True),
            access_key_id=None,
            request_id=request_id(),
            now=self._clock(),
            user_agent=SERVICE,
            context=delivery_context(account, self._region),
        )

    def _caller(self, call: Call) -> Caller:
        nothing: Mapping[str, Sequence[str]] = {}
        return self._authorization.caller(
            call.principal,
            call.path,
            access_key_id=call.access_key_id,
            request_id=call.request_id,
            now=self._clock(),
            user_agent=call.user_agent,
            context=nothing,
            called_via=(f"{call.service}.amazonaws.com",),
        )


def _free(sid: str, taken: set[str | None]) -> str:
    """Return ``sid``, with the first number that makes it unique in the policy if it is taken."""
    name, number = sid, 0
    while name in taken:
        number += 1
        name = f"{sid}{number}"
    return name
