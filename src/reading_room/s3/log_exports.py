"""Exports of log groups to a bucket: the check of permissions, and the writing as the service of CloudWatch Logs.

The bucket's policy decides (CloudWatch Logs User Guide, "Set permissions on an S3 bucket"). It must allow the regional
service, ``logs.REGION.amazonaws.com``, or the global one to do ``s3:GetBucketAcl`` on the bucket and ``s3:PutObject``
under the prefix. The caller who creates the export needs permission to write there, too.
"""

from __future__ import annotations

from reading_room.arns import bucket_arn
from reading_room.aws.call import Call, NetworkPath
from reading_room.clock import Clock, system_clock
from reading_room.iam.principals import service_principal
from reading_room.ids import request_id
from reading_room.logs.exports import Verdict
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import Caller, S3Authorization
from reading_room.s3.backend import Backend, BucketFacts
from reading_room.s3.errors import AccessDenied, NoSuchBucket
from reading_room.s3.store import LOG_ACL, ObjectStore


class S3ExportBuckets:
    """Implements ``logs.exports.ExportBuckets``."""

    def __init__(
        self,
        *,
        backend: Backend,
        authorization: S3Authorization,
        store: ObjectStore,
        region: str,
        clock: Clock = system_clock,
    ) -> None:
        self._backend = backend
        self._authorization = authorization
        self._store = store
        self._region = region
        self._clock = clock

    def check(self, call: Call, bucket: str, key_prefix: str, group_arn: str) -> Verdict:
        """Say whether a caller may export a group to a prefix, and whether the service may write there."""
        facts = self._backend.bucket(bucket)
        if facts is None:
            return "missing"
        put = Requirement("s3:PutObject", bucket_arn(bucket, f"{key_prefix}/probe"), bucket)
        caller = self._authorization.caller(
            call.principal,
            call.path,
            access_key_id=call.access_key_id,
            request_id=call.request_id,
            now=self._clock(),
            user_agent=call.user_agent,
            context={},
            called_via=(f"{call.service}.amazonaws.com",),
        )
        try:
            self._authorization.authorize(caller, (put,))
        except AccessDenied:
            return "caller may not write"
        except NoSuchBucket:
            return "missing"
        acl = Requirement("s3:GetBucketAcl", bucket_arn(bucket), bucket)
        if self._service_for(acl, facts, call.account, group_arn) is None:
            return "service may not read"
        return "service may not write" if self._service_for(put, facts, call.account, group_arn) is None else "writable"

    def put(self, account: str, bucket: str, key: str, data: bytes, group_arn: str) -> None:
        """Store an object for an account. Raises ``AccessDenied``, ``NoSuchBucket`` and ``InsufficientCapacity``."""
        facts = self._backend.bucket(bucket)
        if facts is None:
            raise NoSuchBucket(bucket)
        wanted = Requirement("s3:PutObject", bucket_arn(bucket, key), bucket)
        service = self._service_for(wanted, facts, account, group_arn) or self._services()[0]
        content_type = "application/x-gzip" if key.endswith(".gz") else "text/plain"
        self._store.put(bucket, key, data, content_type, service_principal(service), self._context(account, group_arn))

    def _services(self) -> tuple[str, str]:
        return f"logs.{self._region}.amazonaws.com", "logs.amazonaws.com"

    def _service_for(self, wanted: Requirement, facts: BucketFacts, account: str, group_arn: str) -> str | None:
        """Return the service name that the bucket's policy allows, ``None`` if it allows neither."""
        for service in self._services():
            if self._authorization.permits(self._caller(service, account, group_arn), wanted, facts):
                return service
        return None

    def _caller(self, service: str, account: str, group_arn: str) -> Caller:
        return self._authorization.caller(
            service_principal(service),
            NetworkPath(secure=True),
            access_key_id=None,
            request_id=request_id(),
            now=self._clock(),
            user_agent=service,
            context=self._context(account, group_arn),
        )

    @staticmethod
    def _context(account: str, group_arn: str) -> dict[str, tuple[str, ...]]:
        return {
            "s3:x-amz-acl": (LOG_ACL,),
            "aws:SourceAccount": (account,),
            "aws:SourceArn": (group_arn,),
        }
