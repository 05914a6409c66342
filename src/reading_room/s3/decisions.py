"""Whether a request of a proven caller may happen: what its operation needs, and what its answer may tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reading_room.arns import bucket_arn
from reading_room.aws.call import ANONYMOUS
from reading_room.aws.errors import AwsError
from reading_room.aws.sigv4 import Verified
from reading_room.s3.actions import Requirement, asks_to_bypass_retention, refuse_unknown_headers, requirements
from reading_room.s3.addressing import Address, parse_copy_source
from reading_room.s3.authorization import Caller, S3Authorization, s3_context
from reading_room.s3.backends.backend import Backend, S3Response
from reading_room.s3.bucket_errors import InvalidBucketOwner
from reading_room.s3.errors import AccessDenied
from reading_room.s3.steps import Asking, Decided, deletes_nothing, location_of, signing_of
from reading_room.s3.tagging import requested_tags

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_BRINGING_OBJECT_TAGS = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload", "PutObjectTagging"})
_CREATING = {
    **dict.fromkeys(("PutObject", "CopyObject", "CompleteMultipartUpload"), True),
    **dict.fromkeys(("CreateMultipartUpload", "UploadPart", "UploadPartCopy"), False),
}
"""Whether an object comes of a write at once, for ``s3:ObjectCreationOperation``."""


class Decisions:
    """Decides the requests of an endpoint. Blocking: to be called in worker threads."""

    def __init__(self, backend: Backend, authorization: S3Authorization) -> None:
        self._backend = backend
        self._authorization = authorization

    def decided(self, asking: Asking, verified: Verified | None, parameters: dict[str, Any]) -> Decided:
        """Decide a request whose caller is proven. Raises what is to be answered when it may not happen."""
        model, incoming, headers = asking.model, asking.incoming, asking.headers
        context = s3_context(
            asking.query,
            headers,
            signing_of(verified, posted=asking.form is not None),
            incoming.received_at,
            asking.tls_version,
            location_of(parameters),
            requested_tags(parameters) if model.name in _BRINGING_OBJECT_TAGS else None,
            _CREATING.get(model.name),
        )
        caller = self._authorization.caller(
            verified.principal if verified else ANONYMOUS,
            incoming.path,
            access_key_id=verified.access_key_id if verified else None,
            request_id=incoming.request_id,
            now=incoming.received_at,
            user_agent=headers.get("user-agent", ""),
            context=context,
        )
        facts = asking.record.facts
        facts.parameters = parameters
        owner, refused = self._authorize(caller, asking, parameters)
        if verified is not None or not deletes_nothing(parameters, refused):
            facts.owner = owner
        refuse_unknown_headers(model.name, headers)
        return Decided(caller, owner, refused, parameters)

    def authorize_absence(self, caller: Caller, address: Address, parameters: Mapping[str, Any]) -> None:
        """Return if the caller may learn that a key is not in a bucket, as who may list it. Raises ``AccessDenied``."""
        buckets = [address.bucket]
        if "CopySource" in parameters:
            buckets.append(parse_copy_source(parameters["CopySource"])[0])
        needed = [Requirement("s3:ListBucket", bucket_arn(name), name) for name in buckets if name]
        self._authorization.authorize(caller, needed)

    def with_readable_tags(self, caller: Caller, address: Address, response: S3Response) -> S3Response:
        """Leave out how many tags an object has for a caller that may not read them."""
        assert address.bucket is not None
        facts = self._backend.bucket(address.bucket)
        needed = Requirement("s3:GetObjectTagging", bucket_arn(address.bucket, address.key), address.bucket)
        if facts is not None and self._authorization.permits(caller, needed, facts):
            return response
        return replace(response, headers=tuple(h for h in response.headers if h[0] != "x-amz-tagging-count"))

    def _authorize(
        self, caller: Caller, asking: Asking, parameters: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, AwsError]]:
        """Return the bucket's owner and the keys that DeleteObjects may not delete.

        Raises for any other operation that may not happen.
        """
        model, address = asking.model, asking.address
        if model.name == "DeleteObjects":
            assert address.bucket is not None
            bypass = asks_to_bypass_retention(asking.headers)
            needed = {
                entry["Key"]: _deletion(address.bucket, entry, bypass)
                for entry in parameters.get("Delete", {}).get("Objects", [])
                if entry.get("Key")
            }
            refused = self._authorization.refusals(caller, needed)
            return self._owner(address, parameters, caller), refused
        needed_here = requirements(model.name, address, asking.query, asking.headers)
        if model.name == "CopyObject" and parameters.get("TaggingDirective", "COPY") == "COPY":
            needed_here += self._copied_tags(address, parameters)
        self._authorization.authorize(caller, needed_here, creates=model.name == "CreateBucket")
        return self._owner(address, parameters, caller), {}

    def _copied_tags(self, address: Address, parameters: Mapping[str, Any]) -> tuple[Requirement, ...]:
        """Return what a copy needs besides when its source has tags, which come along."""
        bucket, key, _ = parse_copy_source(parameters["CopySource"])
        if address.bucket is None or not self._backend.object_tags(bucket, key):
            return ()
        return (
            Requirement("s3:GetObjectTagging", bucket_arn(bucket, key), bucket),
            Requirement("s3:PutObjectTagging", bucket_arn(address.bucket, address.key), address.bucket),
        )

    def _owner(self, address: Address, parameters: Mapping[str, Any], caller: Caller) -> str:
        """Return the account that owns the bucket, or would; check what the request expects of it."""
        for name in ("ExpectedBucketOwner", "ExpectedSourceBucketOwner"):
            if not _ACCOUNT.fullmatch(parameters.get(name, "0" * 12)):
                raise InvalidBucketOwner(parameters[name])
        if "ExpectedSourceBucketOwner" in parameters:
            source, _, _ = parse_copy_source(parameters["CopySource"])
            if self._account_of(source, caller) != parameters["ExpectedSourceBucketOwner"]:
                raise AccessDenied
        owner = self._account_of(address.bucket, caller)
        if parameters.get("ExpectedBucketOwner") not in (None, owner):
            raise AccessDenied
        return owner

    def _account_of(self, bucket: str | None, caller: Caller) -> str:
        facts = self._backend.bucket(bucket) if bucket is not None else None
        return facts.account if facts is not None else caller.principal.account


def _deletion(bucket: str, entry: Mapping[str, Any], bypass: bool) -> tuple[Requirement, ...]:
    actions = ["s3:DeleteObjectVersion" if entry.get("VersionId") else "s3:DeleteObject"]
    if bypass:
        actions.append("s3:BypassGovernanceRetention")
    if entry.get("ETag", "*").strip() != "*":
        # Whoever may ask for a certain ETag learns what the object's is.
        actions.append("s3:GetObject")
    return tuple(Requirement(each, bucket_arn(bucket, entry["Key"]), bucket) for each in actions)
