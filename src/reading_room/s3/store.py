"""The object store for the service itself, which checks the output of jobs and writes flow logs to buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reading_room.arns import bucket_arn
from reading_room.aws.call import Call, NetworkPath, Principal
from reading_room.aws.call_record import CallRecord, Recorder, S3Details, forget
from reading_room.aws.errors import AwsError
from reading_room.clock import Clock, system_clock
from reading_room.ids import request_id
from reading_room.s3.actions import Requirement
from reading_room.s3.authorization import Caller, S3Authorization
from reading_room.s3.backend import Backend, ObjectFacts
from reading_room.s3.errors import NoSuchBucket

LOG_ACL = "bucket-owner-full-control"
"""The canned ACL that log delivery writes with, as bucket policies expect."""


class ObjectStore:
    """Blocking; called in worker threads. Only ``put`` and ``delete_for`` are authorized; the others are internal."""

    def __init__(
        self,
        *,
        backend: Backend,
        authorization: S3Authorization,
        clock: Clock = system_clock,
        region: str = "us-east-1",
        trail: Recorder = forget,
    ) -> None:
        """``trail`` takes a record of each ``put`` and ``delete_for``; the internal methods make no calls for it."""
        self._region = region
        self._trail = trail
        self._backend = backend
        self._authorization = authorization
        self._clock = clock

    def head(self, bucket: str, key: str) -> ObjectFacts | None:
        """Return the facts of an object, or ``None``."""
        return self._backend.head(bucket, key)

    def read(self, bucket: str, key: str) -> Iterator[bytes]:
        """Yield the verified bytes of an object in pieces. Raises ``NoSuchKey`` and ``DamagedBlob``."""
        return self._backend.read(bucket, key)

    def objects_below(self, bucket: str, prefix: str) -> Iterator[tuple[str, ObjectFacts]]:
        """Yield the keys that begin with a prefix, in order, each with the facts of its object."""
        return self._backend.objects_below(bucket, prefix)

    def stored_bytes(self, account: str) -> int:
        """Return the bytes of an account's objects and unfinished uploads, at most a minute old."""
        return self._backend.stored_bytes(account)

    def sizes_of_keys(self, bucket: str, prefix: str) -> Mapping[str, int]:
        """Return the keys that begin with a prefix, each with the bytes of all its versions."""
        return self._backend.sizes_of_keys(bucket, prefix)

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str,
        principal: Principal,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Write an object as ``principal``, for example ``delivery.logs.amazonaws.com``, durably.

        The bucket's policy decides; ``context`` adds condition keys such as ``aws:SourceArn`` and
        ``aws:SourceAccount``. Raises ``AccessDenied`` and ``NoSuchBucket``.
        """
        if self._backend.bucket(bucket) is None:
            raise NoSuchBucket(bucket)
        caller = self._authorization.caller(
            principal,
            NetworkPath(secure=True),
            access_key_id=None,
            request_id=request_id(),
            now=self._clock(),
            user_agent=principal.service_name or "",
            context={"s3:x-amz-acl": (LOG_ACL,), **(context or {})},
        )
        try:
            # Log delivery needs no PutObjectAcl, because the owner of the bucket owns every object anyway.
            self._authorization.authorize(caller, (Requirement("s3:PutObject", bucket_arn(bucket, key), bucket),))
            self._backend.put(bucket, key, data, content_type)
        except AwsError as error:
            self._record("PutObject", caller, bucket, key, data, error)
            raise
        self._record("PutObject", caller, bucket, key, data)

    def may_delete(self, call: Call, bucket: str, key: str) -> None:
        """Raise ``AccessDenied`` or ``NoSuchBucket`` unless the caller of another operation may erase an object."""
        self._may_delete(self._caller_of(call), bucket, key)

    def delete_for(self, call: Call, bucket: str, key: str) -> None:
        """Delete all versions of an object for the caller of another operation. A missing object is no error.

        The caller's policies and the bucket's decide. Raises ``AccessDenied``, also if a version is locked, and
        ``NoSuchBucket``.
        """
        caller = self._caller_of(call)
        try:
            self._may_delete(caller, bucket, key)
            self._backend.erase(bucket, key)
        except AwsError as error:
            self._record("DeleteObject", caller, bucket, key, error=error)
            raise
        self._record("DeleteObject", caller, bucket, key)

    def _may_delete(self, caller: Caller, bucket: str, key: str) -> None:
        facts, arn = self._backend.bucket(bucket), bucket_arn(bucket, key)
        needed = [Requirement("s3:DeleteObject", arn, bucket)]
        if facts is not None and facts.versioning is not None:
            needed.append(Requirement("s3:DeleteObjectVersion", arn, bucket))
        self._authorization.authorize(caller, tuple(needed))
        self._backend.check_erasure(bucket, key)

    def _caller_of(self, call: Call) -> Caller:
        return self._authorization.caller(
            call.principal,
            call.path,
            access_key_id=call.access_key_id,
            request_id=call.request_id,
            now=self._clock(),
            user_agent=call.user_agent,
            context={},
            called_via=(f"{call.service}.amazonaws.com",),
        )

    def _record(
        self, operation: str, caller: Caller, bucket: str, key: str, data: bytes = b"", error: AwsError | None = None
    ) -> None:
        headers = {"x-amz-acl": LOG_ACL} if operation == "PutObject" else {}
        self._trail(
            CallRecord(
                service="s3",
                operation=operation,
                request_id=caller.request_id,
                ended_at=self._clock(),
                region=self._region,
                path=caller.path,
                principal=caller.principal,
                access_key_id=caller.access_key_id,
                user_agent=caller.principal.service_name or "",
                error=error,
                host=f"{bucket}.s3.{self._region}.amazonaws.com",
                s3=S3Details(bucket, key, None, {}, headers, received=len(data)),
            )
        )

    def bucket_exists(self, bucket: str) -> bool:
        """Say whether a bucket exists in any account."""
        return self._backend.bucket(bucket) is not None

    def bucket_policy(self, bucket: str) -> str | None:
        """Return a bucket's policy as authorization uses it, or ``None`` if it has none or does not exist."""
        facts = self._backend.bucket(bucket)
        return facts.policy if facts is not None else None

    def copy(self, bucket: str, key: str, new_key: str) -> None:
        """Copy an object within a bucket. Raises ``NoSuchKey``."""
        self._backend.copy(bucket, key, new_key)

    def delete(self, bucket: str, key: str) -> None:
        """Delete an object. A missing object is no error."""
        self._backend.delete(bucket, key)

    def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete every object and unfinished upload whose key begins with a prefix. Return the number of objects.

        Raises ``ValueError`` for an empty prefix.
        """
        return self._backend.delete_prefix(bucket, prefix)

    def abort_uploads(self, bucket: str, key: str) -> int:
        """Abort every unfinished upload of a key, or below a key that ends in a slash. Return their number."""
        return self._backend.abort_uploads(bucket, key)
