"""Whether flow logs can be written to a bucket: what EC2 asks before it makes one."""

from __future__ import annotations

from reading_room.arns import bucket_arn
from reading_room.aws.call import NetworkPath
from reading_room.clock import Clock, system_clock
from reading_room.iam.principals import service_principal
from reading_room.ids import request_id
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import S3Authorization
from reading_room.s3.errors import AccessDenied, NoSuchBucket
from reading_room.s3.store import ObjectStore
from reading_room.vpc.flow_logs import BucketVerdict

SERVICE = "delivery.logs.amazonaws.com"
_ACL = "bucket-owner-full-control"


def delivery_context(account: str, region: str) -> dict[str, tuple[str, ...]]:
    """Return the condition keys of a delivery on an account's behalf."""
    return {
        "s3:x-amz-acl": (_ACL,),
        "aws:SourceAccount": (account,),
        "aws:SourceArn": (f"arn:aws:logs:{region}:{account}:*",),
    }


class LogBuckets:
    """Implements ``vpc.flow_logs.BucketCheck``: the bucket's policy is asked exactly as it will be at delivery."""

    def __init__(
        self, store: ObjectStore, authorization: S3Authorization, region: str, clock: Clock = system_clock
    ) -> None:
        self._store = store
        self._authorization = authorization
        self._region = region
        self._clock = clock

    def __call__(self, account: str, bucket: str, key_prefix: str) -> BucketVerdict:
        """Say whether the delivery service may put objects under ``key_prefix`` on the account's behalf."""
        caller = self._authorization.caller(
            service_principal(SERVICE),
            NetworkPath(secure=True),
            access_key_id=None,
            request_id=request_id(),
            now=self._clock(),
            user_agent=SERVICE,
            context=delivery_context(account, self._region),
        )
        arn = bucket_arn(bucket, f"{key_prefix}probe")
        try:
            self._authorization.authorize(caller, (Requirement("s3:PutObject", arn, bucket),))
        except NoSuchBucket:
            return "missing"
        except AccessDenied:
            return "denied" if self._store.bucket_exists(bucket) else "missing"
        return "writable"
