"""Decisions about the requests of authenticated callers, and about what the answers disclose."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reading_room.arns import bucket_arn
from reading_room.aws.call import ANONYMOUS
from reading_room.aws.errors import AwsError
from reading_room.aws.sigv4 import Verified
from reading_room.s3.actions import Requirement, bypasses_retention, refuse_unknown_headers, requirements
from reading_room.s3.addressing import Address, parse_copy_source
from reading_room.s3.authorization import Caller, S3Authorization, Signing, s3_context
from reading_room.s3.backend import Backend, Deletion, S3Response
from reading_room.s3.bucket_errors import InvalidBucketOwner
from reading_room.s3.call import AuthenticatedRequest, AuthorizedRequest, ParsedRequest, stopping_at
from reading_room.s3.errors import AccessDenied
from reading_room.s3.object_lock import lock_context
from reading_room.s3.tagging import requested_tags

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_BRINGING_OBJECT_TAGS = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload", "PutObjectTagging"})
_SHOWN_WITH = {
    "s3:GetObjectTagging": frozenset({"x-amz-tagging-count"}),
    "s3:GetObjectRetention": frozenset({"x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"}),
    "s3:GetObjectLegalHold": frozenset({"x-amz-object-lock-legal-hold"}),
}
"""The headers of answers that only callers with a permission see."""
GUARDED_HEADERS = frozenset().union(*_SHOWN_WITH.values())
_CREATING = {
    **dict.fromkeys(("PutObject", "CopyObject", "CompleteMultipartUpload"), True),
    **dict.fromkeys(("CreateMultipartUpload", "UploadPart", "UploadPartCopy"), False),
}
"""Whether a write makes an object at once, for ``s3:ObjectCreationOperation``."""


class Decisions:
    """Decides S3 requests. Blocking; called in worker threads."""

    def __init__(self, backend: Backend, authorization: S3Authorization) -> None:
        self._backend = backend
        self._authorization = authorization

    def authorize(self, authenticated: AuthenticatedRequest, parameters: Mapping[str, Any]) -> AuthorizedRequest:
        """Return the request if its caller may make it; else raise the error to answer."""
        request, verified = authenticated.request, authenticated.verified
        model, incoming, headers = request.model, request.incoming, request.headers
        context = s3_context(
            request.query,
            headers,
            _signing(verified, posted=request.form is not None),
            incoming.received_at,
            request.tls_version,
            _location(parameters),
            requested_tags(parameters) if model.name in _BRINGING_OBJECT_TAGS else None,
            _CREATING.get(model.name),
        ) | lock_context(parameters, incoming.received_at)
        caller = self._authorization.caller(
            verified.principal if verified else ANONYMOUS,
            incoming.path,
            access_key_id=verified.access_key_id if verified else None,
            request_id=incoming.request_id,
            now=incoming.received_at,
            user_agent=headers.get("user-agent", ""),
            context=context,
        )
        parsed = ParsedRequest(request, verified, parameters, caller)
        with stopping_at(parsed):
            owner, refused = self._authorize(parsed)
        authorized = AuthorizedRequest(request, verified, parameters, caller, owner, refused)
        with stopping_at(authorized):
            refuse_unknown_headers(model.name, headers)
        return authorized

    def authorize_absence(self, authorized: AuthorizedRequest) -> None:
        """Return if the caller may list the buckets, and so may know that a key or a version is missing.

        Raises ``AccessDenied``.
        """
        parameters = authorized.parameters
        named = {authorized.request.address.bucket: parameters.get("VersionId")}
        if "CopySource" in parameters:
            source, _, version = parse_copy_source(parameters["CopySource"])
            named[source] = version
        needed = [
            Requirement("s3:ListBucket" if version is None else "s3:ListBucketVersions", bucket_arn(name), name)
            for name, version in named.items()
            if name
        ]
        self._authorization.authorize(authorized.caller, needed)

    def with_readable_headers(self, authorized: AuthorizedRequest, response: S3Response) -> S3Response:
        """Remove from a response what its caller may not read: the number of the object's tags, and its lock."""
        address = authorized.request.address
        assert address.bucket is not None
        facts = self._backend.bucket(address.bucket)
        version = authorized.parameters.get("VersionId")
        resource, hidden = bucket_arn(address.bucket, address.key), set[str]()
        for action, names in _SHOWN_WITH.items():
            if version is not None and action == "s3:GetObjectTagging":
                action = "s3:GetObjectVersionTagging"
            needed = Requirement(action, resource, address.bucket, version)
            shown = any(name in names for name, _ in response.headers)
            if shown and (facts is None or not self._authorization.permits(authorized.caller, needed, facts)):
                hidden |= names
        return replace(response, headers=tuple(h for h in response.headers if h[0] not in hidden))

    def _authorize(self, parsed: ParsedRequest) -> tuple[str, Mapping[Deletion, AwsError]]:
        """Return the bucket's owner, and the keys and versions that DeleteObjects may not delete.

        Raises ``AccessDenied`` for any other operation without permission.
        """
        request, caller, parameters = parsed.request, parsed.caller, parsed.parameters
        model, address = request.model, request.address
        if model.name == "DeleteObjects":
            assert address.bucket is not None
            bypass = bypasses_retention(request.headers)
            needed = {
                (entry["Key"], entry.get("VersionId") or None): _deletion(address.bucket, entry, bypass)
                for entry in parameters.get("Delete", {}).get("Objects", [])
                if entry.get("Key")
            }
            refused = self._authorization.refusals(caller, needed)
            return self._owner(address, parameters, caller), refused
        needed_here = requirements(model.name, address, request.query, request.headers)
        if model.name == "CopyObject" and parameters.get("TaggingDirective", "COPY") == "COPY":
            needed_here += self._copied_tags(address, parameters)
        self._authorization.authorize(caller, needed_here, creates=model.name == "CreateBucket")
        return self._owner(address, parameters, caller), {}

    def _copied_tags(self, address: Address, parameters: Mapping[str, Any]) -> tuple[Requirement, ...]:
        """Return the additional requirements of a copy whose source has tags, which are copied, too."""
        bucket, key, version = parse_copy_source(parameters["CopySource"])
        if address.bucket is None or not self._backend.object_tags(bucket, key, version):
            return ()
        reading = "s3:GetObjectTagging" if version is None else "s3:GetObjectVersionTagging"
        return (
            Requirement(reading, bucket_arn(bucket, key), bucket, version),
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


def _signing(verified: Verified | None, *, posted: bool) -> Signing | None:
    """Return how a request was signed, ``None`` for one that was not."""
    if verified is None:
        return None
    if not verified.amz_date:
        return Signing("AWS", verified.presigned, posted=posted)
    signed_at = dt.datetime.fromisoformat(verified.amz_date)
    return Signing("AWS4-HMAC-SHA256", verified.presigned, signed_at, posted)


def _location(parameters: Mapping[str, Any]) -> str | None:
    """Return the region that a CreateBucket names, for ``s3:LocationConstraint``."""
    found = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    return str(found) if found else None


def _deletion(bucket: str, entry: Mapping[str, Any], bypass: bool) -> tuple[Requirement, ...]:
    version = entry.get("VersionId") or None
    actions = ["s3:DeleteObject" if version is None else "s3:DeleteObjectVersion"]
    if bypass:
        actions.append("s3:BypassGovernanceRetention")
    if entry.get("ETag", "*").strip() != "*":
        # A caller who may test ETags can find out the ETag of the object.
        actions.append("s3:GetObject")
    return tuple(Requirement(each, bucket_arn(bucket, entry["Key"]), bucket, version) for each in actions)
