"""The operations of requests, with the IAM actions and resources that they need.

Both come from tables. botocore's S3 model describes each operation on the wire. ``_EXCEPTIONS`` lists the operations
whose IAM action has another name (AWS's service authorization reference, page S3). A request that fits no operation of
the model is refused, never passed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from botocore.model import OperationModel

from reading_room.arns import bucket_arn
from reading_room.aws.models import operation_model, service_model
from reading_room.iam.policy.bucket import S3Target
from reading_room.s3.addressing import Address, parse_copy_source
from reading_room.s3.checksums import ALGORITHMS
from reading_room.s3.control import OPERATIONS as CONTROL
from reading_room.s3.control import control_model
from reading_room.s3.errors import (
    InvalidRequest,
    MethodNotAllowed,
    NotImplementedHeader,
    NotImplementedOperation,
    NotImplementedParameter,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One permission that a request needs: an IAM action on one resource (an ARN, or ``*``).

    ``bucket`` is the bucket whose policy applies, or ``None``. ``version`` is the version of the object that the
    permission is for; ``None`` for the current one.
    """

    action: str
    resource: str
    bucket: str | None
    version: str | None = None
    of_own_object: bool = False
    """Whether the resource is the object that the request makes, which belongs to the caller unless the bucket's owner
    owns all objects."""


_READ_AND_WRITE = {
    "BucketEncryption": ("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"),
    "BucketLifecycle": ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    "BucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    "BucketReplication": ("s3:GetReplicationConfiguration", "s3:PutReplicationConfiguration"),
    "BucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration", "s3:PutAccelerateConfiguration"),
    "BucketAnalyticsConfiguration": ("s3:GetAnalyticsConfiguration", "s3:PutAnalyticsConfiguration"),
    "BucketInventoryConfiguration": ("s3:GetInventoryConfiguration", "s3:PutInventoryConfiguration"),
    "BucketMetricsConfiguration": ("s3:GetMetricsConfiguration", "s3:PutMetricsConfiguration"),
    "BucketIntelligentTieringConfiguration": (
        "s3:GetIntelligentTieringConfiguration",
        "s3:PutIntelligentTieringConfiguration",
    ),
    "BucketCors": ("s3:GetBucketCORS", "s3:PutBucketCORS"),
    "BucketNotificationConfiguration": ("s3:GetBucketNotification", "s3:PutBucketNotification"),
    "BucketTagging": ("s3:GetBucketTagging", "s3:PutBucketTagging"),
    "BucketOwnershipControls": ("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"),
    "PublicAccessBlock": ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    "ObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
}
"""Settings whose Get needs the first action, and whose Put and Delete both need the second."""

_EXCEPTIONS: dict[str, tuple[str, ...]] = {
    "ListBuckets": ("s3:ListAllMyBuckets",),
    "ListDirectoryBuckets": ("s3express:ListAllMyDirectoryBuckets",),
    "CreateSession": ("s3express:CreateSession",),
    "WriteGetObjectResponse": ("s3-object-lambda:WriteGetObjectResponse",),
    "HeadBucket": ("s3:ListBucket",),
    "ListObjects": ("s3:ListBucket",),
    "ListObjectsV2": ("s3:ListBucket",),
    "ListObjectVersions": ("s3:ListBucketVersions",),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "ListParts": ("s3:ListMultipartUploadParts",),
    "HeadObject": ("s3:GetObject",),
    "GetObjectAttributes": ("s3:GetObject", "s3:GetObjectAttributes"),
    "SelectObjectContent": ("s3:GetObject",),
    "CopyObject": ("s3:PutObject",),
    "CreateMultipartUpload": ("s3:PutObject",),
    "UploadPart": ("s3:PutObject",),
    "UploadPartCopy": ("s3:PutObject",),
    "CompleteMultipartUpload": ("s3:PutObject",),
    "ListBucketAnalyticsConfigurations": ("s3:GetAnalyticsConfiguration",),
    "ListBucketInventoryConfigurations": ("s3:GetInventoryConfiguration",),
    "ListBucketMetricsConfigurations": ("s3:GetMetricsConfiguration",),
    "ListBucketIntelligentTieringConfigurations": ("s3:GetIntelligentTieringConfiguration",),
    **{f"Get{noun}": (get,) for noun, (get, _) in _READ_AND_WRITE.items()},
    **{f"{verb}{noun}": (put,) for noun, (_, put) in _READ_AND_WRITE.items() for verb in ("Put", "Delete")},
}

_VERSIONED = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:GetObjectAcl": "s3:GetObjectVersionAcl",
    "s3:PutObjectAcl": "s3:PutObjectVersionAcl",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
    "s3:GetObjectTorrent": "s3:GetObjectVersionTorrent",
}

# Headers that need a permission in addition to that of the write, by prefix of the header's name.
_PUT_ACL = "s3:PutObjectAcl"
_BY_HEADER = {
    "x-amz-acl": _PUT_ACL,
    "x-amz-grant-": _PUT_ACL,
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-retain-until-date": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-bypass-governance-retention": "s3:BypassGovernanceRetention",
}
_WITHOUT_OPERATION = (
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
    "s3:GetObjectVersionForReplication",
    "s3:ObjectOwnerOverrideToBucketOwner",
    "s3:InitiateReplication",
)
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_CONDITIONAL = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload", "DeleteObject"})

_SIGNING = frozenset({"AWSAccessKeyId", "Signature", "Expires", "content-type", "content-md5"})
"""Query names of a presigned URL of Signature Version 2. All other names that belong to a signature begin with ``x-``,
and so do the names that S3 ignores and only logs."""
_TRANSPORT = frozenset(
    f"x-amz-{name}"
    for name in (
        "api-version",
        "content-sha256",
        "date",
        "decoded-content-length",
        "expected-bucket-owner",
        "request-payer",
        "sdk-checksum-algorithm",
        "security-token",
        "trailer",
        "user-agent",
        *(f"checksum-{algorithm.lower()}" for algorithm in ALGORITHMS),
    )
)
"""Headers that any request may have: they are about its signature, its body, its caller, or who pays."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """How an operation looks on the wire: what must be in its query and headers."""

    name: str
    tokens: frozenset[tuple[str, str]]
    query: frozenset[str]
    headers: frozenset[str]

    def matches(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        return (
            all(name in query and (not value or query[name] == value) for name, value in self.tokens)
            and self.query <= query.keys()
            and self.headers <= headers.keys()
        )

    @property
    def consumed(self) -> frozenset[str]:
        """The query names that select this operation."""
        return self.query | {name for name, _ in self.tokens}

    @property
    def weight(self) -> int:
        return len(self.tokens) + len(self.query) + len(self.headers)


def identify(method: str, address: Address, query: Mapping[str, str], headers: Mapping[str, str]) -> OperationModel:
    """Return the operation of a request.

    ``query`` has decoded names and values, ``headers`` lower-case names. Raises ``MethodNotAllowed`` when the model
    has no such operation, ``InvalidRequest`` when the query names two different subresources, and
    ``NotImplementedParameter`` for a name in the query that the operation does not have.
    """
    if method == "GET" and "session" in query and address.resource_type == "BUCKET":
        raise NotImplementedOperation("CreateSession")
    candidates = _shapes().get((method, address.resource_type), ())
    fitting = [shape for shape in candidates if shape.matches(query, headers)]
    named = _subresources() & query.keys()
    exact = [shape for shape in fitting if named <= shape.consumed]
    if not exact:
        if len(named) > 1:
            raise InvalidRequest(f"Conflicting query string parameters: {', '.join(sorted(named))}")
        raise MethodNotAllowed(method, _resource_type(address, named))
    best = max(exact, key=lambda shape: shape.weight)
    model = operation_model("s3", best.name)
    assert model is not None
    known = _wire_names(best.name).query | best.consumed | _SIGNING
    for name in query:
        # The unknown name might select another operation.
        if name not in known and not name.lower().startswith("x-"):
            raise NotImplementedParameter(name)
    return model


def refuse_unknown_headers(operation: str, headers: Mapping[str, str]) -> None:
    """Raise ``NotImplementedHeader`` for an ``x-amz-`` header that the operation does not have."""
    known = _wire_names(operation)
    for name in headers:
        if name.startswith("x-amz-") and not (name in known.headers or name.startswith(known.prefixes)):
            raise NotImplementedHeader(name)


def actions_of(operation: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the IAM actions that an operation needs on its own bucket or object."""
    actions = _EXCEPTIONS.get(operation, (f"s3:{operation}",))
    if "versionId" in query:
        actions = tuple(_VERSIONED.get(action, action) for action in actions)
    extra = _by_headers(headers) if operation in _WRITES else ()
    if operation == "CreateBucket":
        extra = tuple(_of_new_bucket(headers))
    if operation in ("DeleteObject", "PutObjectRetention") and bypasses_retention(headers):
        extra = ("s3:BypassGovernanceRetention",)
    if operation in _CONDITIONAL and headers.get("if-match", "*") != "*":
        # A caller who may test ETags can find out the ETag of the object.
        extra = (*extra, "s3:GetObject")
    return (*actions, *(action for action in extra if action not in actions))


def bypasses_retention(headers: Mapping[str, str]) -> bool:
    """Say whether a deletion bypasses retention in governance mode, which needs a permission of its own."""
    return headers.get("x-amz-bypass-governance-retention", "false").lower() != "false"


def requirements(
    operation: str, address: Address, query: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[Requirement, ...]:
    """Return every permission that a request needs.

    DeleteObjects needs none here, because its keys are in the body and are authorized one by one.
    """
    if operation == "DeleteObjects":
        return ()
    resource = "*" if address.bucket is None else bucket_arn(address.bucket, address.key)
    version, makes = query.get("versionId"), operation in _WRITES
    needed = [
        Requirement(action, resource, address.bucket, version, makes and action == _PUT_ACL)
        for action in actions_of(operation, query, headers)
    ]
    if operation in ("CopyObject", "UploadPartCopy"):
        bucket, key, version = parse_copy_source(headers["x-amz-copy-source"])
        action = "s3:GetObject" if version is None else "s3:GetObjectVersion"
        needed.insert(0, Requirement(action, bucket_arn(bucket, key), bucket, version))
    return tuple(needed)


@lru_cache(maxsize=1)
def action_targets() -> Mapping[str, S3Target]:
    """Return every IAM action of S3 with the kind of resource that it applies to, for the check of bucket policies."""
    targets: dict[str, S3Target] = {}
    for (_, kind), shapes in _shapes().items():
        target: S3Target = "object" if kind == "OBJECT" else "bucket" if kind == "BUCKET" else "*"
        for shape in shapes:
            for action in _EXCEPTIONS.get(shape.name, (f"s3:{shape.name}",)):
                if action.startswith("s3:"):
                    targets.setdefault(action, target)
    for action in (*_VERSIONED.values(), *_BY_HEADER.values(), *_WITHOUT_OPERATION):
        targets.setdefault(action, "object")
    targets |= {f"s3:{name}": "*" if "Account" in name else "bucket" for name in CONTROL}
    # DeleteObjects is called on a bucket, and needs permission to delete each object.
    del targets["s3:DeleteObjects"]
    return targets


def _by_headers(headers: Mapping[str, str]) -> Sequence[str]:
    found = (
        action
        for name in headers
        for prefix, action in _BY_HEADER.items()
        if name == prefix or (prefix.endswith("-") and name.startswith(prefix))
    )
    return tuple(dict.fromkeys(found))


def _of_new_bucket(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the actions that CreateBucket needs for its headers. A private list needs none."""
    if headers.get("x-amz-acl", "private") != "private" or any(name.startswith("x-amz-grant-") for name in headers):
        yield "s3:PutBucketAcl"
    if "x-amz-object-ownership" in headers:
        yield "s3:PutBucketOwnershipControls"
    if headers.get("x-amz-bucket-object-lock-enabled", "false").lower() != "false":
        yield from ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")


def _resource_type(address: Address, subresources: frozenset[str]) -> str:
    return sorted(subresources)[0].upper() if subresources else address.resource_type


@dataclass(frozen=True, slots=True)
class _WireNames:
    """The names of an operation's parameters on the wire."""

    query: frozenset[str]
    headers: frozenset[str]
    prefixes: tuple[str, ...]


@cache
def _wire_names(operation: str) -> _WireNames:
    model = control_model(operation) if operation in CONTROL else service_model("s3").operation_model(operation)
    shape = model.input_shape
    names: dict[str, set[str]] = {"querystring": set(), "header": set(), "headers": set()}
    for member in getattr(shape, "members", {}).values():
        names.setdefault(str(member.serialization.get("location")), set()).add(member.serialization.get("name", ""))
    headers = {name.lower() for name in names["header"]}
    prefixes = tuple(prefix.lower() for prefix in names["headers"])
    return _WireNames(frozenset(names["querystring"]), _TRANSPORT | headers, prefixes)


@lru_cache(maxsize=1)
def _subresources() -> frozenset[str]:
    """Return the query names that select an operation, so that none of them is ignored as a mere parameter."""
    shapes = (shape for found in _shapes().values() for shape in found)
    tokens = {name for shape in shapes for name, value in shape.tokens if not value}
    return frozenset(tokens | {"uploadId"})


@lru_cache(maxsize=1)
def _shapes() -> dict[tuple[str, str], tuple[_Shape, ...]]:
    shapes: dict[tuple[str, str], list[_Shape]] = {}
    model = service_model("s3")
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated or name in ("WriteGetObjectResponse", "ListDirectoryBuckets", "CreateSession"):
            # The first is for another host, the others are for directory buckets. Deprecated operations have the same
            # form on the wire as their successors.
            continue
        path, _, static = operation.http["requestUri"].partition("?")
        kind = "OBJECT" if "{Key+}" in path else "BUCKET" if "{Bucket}" in path else "SERVICE"
        shapes.setdefault((operation.http["method"], kind), []).append(_shape(operation, static))
    return {place: tuple(found) for place, found in shapes.items()}


def _shape(operation: OperationModel, static: str) -> _Shape:
    tokens = set()
    for part in filter(None, static.split("&")):
        token, _, value = part.partition("=")
        tokens.add((token, value))
    query, headers = set(), set()
    if operation.input_shape is not None:
        for member in operation.input_shape.required_members:
            serialization = operation.input_shape.members[member].serialization
            if serialization.get("location") == "querystring":
                query.add(serialization["name"])
            elif serialization.get("location") == "header":
                headers.add(serialization["name"].lower())
    if operation.name == "GetObjectAttributes":
        headers.clear()  # Its absence is an InvalidArgument of this operation, not another operation.
    return _Shape(operation.name, frozenset(tokens), frozenset(query), frozenset(headers))
