"""Authorization: identity ∩ session ∩ bucket policy and lists ∩ endpoint policy give one decision with its reason.

The origin of a request comes from its socket (``NetworkPath``). The condition keys of S3 are those of the service
authorization reference. A key for which the request has no value is absent.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from reading_room.arns import bucket_arn
from reading_room.aws.call import NetworkPath, Principal
from reading_room.aws.errors import AwsError
from reading_room.iam.authorizer import Decision, PolicyAuthorizer, request_context
from reading_room.s3.access_list_decisions import list_decision
from reading_room.s3.actions import Requirement
from reading_room.s3.backend import Backend, BucketFacts
from reading_room.s3.bucket_errors import no_bucket
from reading_room.s3.denials import Denial, Denials
from reading_room.s3.errors import AccessDenied
from reading_room.s3.public_access import is_public, without_allows

logger = logging.getLogger(__name__)

Context = dict[str, Sequence[str]]
Named = TypeVar("Named")

_BY_QUERY = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
_BY_HEADER = (
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "if-match",
    "if-none-match",
)


_ABOUT_TAGGED = frozenset(
    f"s3:{verb}Object{version}{noun}"
    for version in ("", "Version")
    for verb, noun in (
        ("Get", ""),
        ("Get", "Acl"),
        ("Get", "Attributes"),
        ("Get", "Tagging"),
        ("Put", "Acl"),
        ("Put", "Tagging"),
        ("Delete", "Tagging"),
    )
)
"""The actions whose conditions may test the tags of the object."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How a request was signed, for condition keys."""

    version: str
    """``AWS4-HMAC-SHA256``, or ``AWS`` for Signature Version 2."""
    presigned: bool
    signed_at: dt.datetime | None = None
    posted: bool = False
    """Whether the request is a browser's form."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request, its origin and its condition keys."""

    principal: Principal
    path: NetworkPath
    access_key_id: str | None
    request_id: str
    context: Context = field(default_factory=dict)


def s3_context(
    query: Mapping[str, str],
    headers: Mapping[str, str],
    signing: Signing | None,
    now: dt.datetime,
    tls_version: str | None = None,
    location_constraint: str | None = None,
    tags: Mapping[str, str] | None = None,
    creates_object: bool | None = None,
) -> Context:
    """Return the condition keys of a request that S3 defines.

    ``tags`` are those that the request sets on an object. ``creates_object`` says whether a write makes an object at
    once, unlike the upload of a part; it is ``None`` for other requests.
    """
    context: Context = {key: (query[name],) for name, key in _BY_QUERY.items() if name in query}
    context |= {f"s3:{name}": (headers[name],) for name in _BY_HEADER if name in headers}
    if tags:
        context |= {f"s3:RequestObjectTag/{name}": (value,) for name, value in tags.items()}
        context["s3:RequestObjectTagKeys"] = tuple(tags)
    if creates_object is not None:
        context["s3:ObjectCreationOperation"] = (str(creates_object).lower(),)
    if tls_version is not None:
        context["s3:TlsVersion"] = (tls_version,)
    if location_constraint is not None:
        context["s3:LocationConstraint"] = (location_constraint,)
    if signing is not None:
        context["s3:signatureversion"] = (signing.version,)
        by = "POST" if signing.posted else "REST-QUERY-STRING" if signing.presigned else "REST-HEADER"
        context["s3:authType"] = (by,)
        if signing.presigned and signing.signed_at is not None:
            age = (now - signing.signed_at) // dt.timedelta(milliseconds=1)
            context["s3:signatureAge"] = (str(max(age, 0)),)
    return context


class S3Authorization:
    """Decides requests by the policies now in force. Blocking; called in worker threads."""

    def __init__(self, *, authorizer: PolicyAuthorizer, backend: Backend, region: str) -> None:
        self.denials = Denials()
        self._authorizer = authorizer
        self._backend = backend
        self._region = region

    def caller(
        self,
        principal: Principal,
        path: NetworkPath,
        *,
        access_key_id: str | None,
        request_id: str,
        now: dt.datetime,
        user_agent: str,
        context: Mapping[str, Sequence[str]],
        called_via: Sequence[str] = (),
    ) -> Caller:
        """Return a caller with all condition keys of its request; see ``request_context``."""
        common = request_context(
            path, principal=principal, now=now, region=self._region, user_agent=user_agent, called_via=called_via
        )
        # The global keys win, so that nothing in the request can replace them.
        return Caller(principal, path, access_key_id, request_id, {**context, **common})

    def authorize(self, caller: Caller, requirements: Sequence[Requirement], *, creates: bool = False) -> None:
        """Return if every requirement is met.

        Raises ``AccessDenied``, whose message names the policy that decided; for a caller whose own policies would
        allow the request, also ``NoSuchBucket`` or ``InvalidBucketName``. ``creates`` says that the request makes the
        bucket.
        """
        facts: dict[str, BucketFacts | None] = {}
        for requirement in requirements:
            # A new bucket has no owner and no policy yet, even if another account has a bucket of this name.
            name = None if creates else requirement.bucket
            if name is not None and name not in facts:
                facts[name] = self._backend.bucket(name)
            bucket = facts[name] if name is not None else None
            decision = self._decide(caller, requirement, bucket)
            if not decision.allowed:
                raise self._denied(caller, decision, bucket)
            if name is not None and bucket is None:
                raise no_bucket(name)

    def permits(self, caller: Caller, requirement: Requirement, bucket: BucketFacts) -> bool:
        """Say whether a requirement would be met by a bucket with these facts. Nothing is recorded."""
        return self._decide(caller, requirement, bucket).allowed

    def decision(self, caller: Caller, requirement: Requirement) -> Decision:
        """Return the decision about a requirement. Nothing is recorded, because no request was made."""
        bucket = None if requirement.bucket is None else self._backend.bucket(requirement.bucket)
        return self._decide(caller, requirement, bucket)

    def refusals(self, caller: Caller, needed: Mapping[Named, Sequence[Requirement]]) -> dict[Named, AwsError]:
        """Return the keys of ``needed`` that have an unmet requirement, each with its error."""
        refused: dict[Named, AwsError] = {}
        bucket: BucketFacts | None = None
        for named, requirements in needed.items():
            for requirement in requirements:
                if bucket is None and requirement.bucket is not None:
                    bucket = self._backend.bucket(requirement.bucket)
                decision = self._decide(caller, requirement, bucket)
                if not decision.allowed:
                    refused[named] = self._denied(caller, decision, bucket)
                    break
        return refused

    def recent_denial(self, caller: str) -> str | None:
        """Describe the latest denial of an access key id or principal ARN, with the statement that decided."""
        return self.denials.recent_denial(caller)

    def _decide(self, caller: Caller, requirement: Requirement, bucket: BucketFacts | None) -> Decision:
        context = caller.context
        if requirement.version is not None:
            context = {**context, "s3:VersionId": (requirement.version,)}
        if bucket is not None:
            context = {**context, "s3:ResourceAccount": (bucket.account,)}
            if requirement.action in _ABOUT_TAGGED:
                key = requirement.resource.removeprefix(bucket_arn(bucket.name, ""))
                tags = self._backend.object_tags(bucket.name, key, requirement.version)
                context |= {f"s3:ExistingObjectTag/{name}": (value,) for name, value in tags.items()}
        policy, owner, access_list = _effective_policy(bucket, caller.principal), None, None
        if bucket is not None and bucket.has_lists:
            access = partial(self._backend.object_access, bucket.name, version=requirement.version)
            lists = list_decision(requirement, bucket, caller.principal, access)
            owner, access_list = lists.owner, lists.access_list
            if policy is not None and not lists.policy_allows:
                policy = without_allows(policy)
        return self._authorizer.decide(
            principal=caller.principal,
            action=requirement.action,
            resource=requirement.resource,
            context=context,
            access_list=access_list,
            owner=owner,
            resource_policy=policy,
            resource_account=bucket.account if bucket is not None else caller.principal.account,
            path=caller.path,
        )

    def _denied(self, caller: Caller, decision: Decision, bucket: BucketFacts | None) -> AccessDenied:
        message = decision.message(quote_resource=True)
        reasons = decision.reasons()
        endpoint_id = caller.path.vpc_endpoint_id
        if endpoint_id is not None and "endpoint" in decision.by:
            reasons += f" (endpoint {endpoint_id})"
        now = dt.datetime.now(dt.UTC)
        # `reading-room access explain` takes the id of the request.
        text = f"{message} [{reasons}; request {caller.request_id}]"
        denial = Denial(now, decision.action, decision.resource, text)
        self.denials.add(denial, caller.access_key_id, caller.principal.arn)
        # Anonymous callers could fill the log with denials. The log line of the request has the outcome.
        if caller.principal.kind != "anonymous":
            logger.info(
                "request=%s denied: %s", caller.request_id, denial.text, extra={"request_id": caller.request_id}
            )
        self._authorizer.denied(caller.request_id, decision)
        owner = bucket.account if bucket is not None else caller.principal.account
        # The message for other accounts and anonymous callers says nothing about the policies.
        known = caller.principal.kind != "anonymous" and caller.principal.account == owner
        return AccessDenied(message) if known else AccessDenied()


def _effective_policy(bucket: BucketFacts | None, principal: Principal) -> str | None:
    if bucket is None or bucket.policy is None:
        return None
    restricted = bool((bucket.public_access_block or {}).get("RestrictPublicBuckets"))
    foreign = principal.account != bucket.account and principal.kind != "service"
    if restricted and foreign and is_public(bucket.policy):
        return without_allows(bucket.policy)
    return bucket.policy
