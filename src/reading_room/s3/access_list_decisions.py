"""Who owns what a request is about, and the list that may grant access to it, for buckets with access control lists.

The owner of a bucket decides about the bucket, and about making and deleting objects in it: by its policies and the
bucket's list. The owner of an object decides about the object itself, by its policies and the object's list. If the
two differ, the bucket's policy can only deny. AWS source: "How Amazon S3 authorizes a request", S3 user guide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reading_room.arns import bucket_arn
from reading_room.aws.call import Principal
from reading_room.iam.policy.evaluate import AttachedPolicy
from reading_room.s3.access_lists import as_policy, effective, loaded, private
from reading_room.s3.actions import Requirement
from reading_room.s3.backend import BucketFacts
from reading_room.s3.object_access import ObjectAccess

_OF_BUCKET_OWNER = frozenset(
    f"s3:{name}"
    for name in (
        "PutObject",
        "DeleteObject",
        "DeleteObjectVersion",
        "AbortMultipartUpload",
        "ListMultipartUploadParts",
        "BypassGovernanceRetention",
        "RestoreObject",
    )
)
"""The actions on objects that the owner of the bucket decides about."""


@dataclass(frozen=True, slots=True)
class ListDecision:
    """What the lists add to the decision about one requirement."""

    owner: str
    """The account that decides."""
    access_list: AttachedPolicy | None
    policy_allows: bool
    """Whether the bucket's policy can allow the request, not only deny it."""


def list_decision(
    requirement: Requirement, bucket: BucketFacts, caller: Principal, access: Callable[[str], ObjectAccess | None]
) -> ListDecision:
    """Return who decides about a requirement, and the list that counts, of a bucket with access control lists.

    ``access`` returns the owner and the grants of the object with a key, ``None`` if there is none.
    """
    arn = bucket_arn(bucket.name)
    key = requirement.resource.removeprefix(f"{arn}/") if requirement.resource.startswith(f"{arn}/") else None
    if requirement.of_own_object:
        return ListDecision(caller.account if caller.kind != "service" else bucket.account, None, True)
    if key is None or requirement.action in _OF_BUCKET_OWNER:
        own = key is not None and requirement.action == "s3:DeleteObject" and _owns(caller, access(key))
        return ListDecision(bucket.account, _list_of_bucket(bucket, arn, deletes=own), True)
    found = access(key)
    if found is None:
        return ListDecision(bucket.account, None, True)
    owner = found.owner_in(bucket.account)
    grants = effective(found.grants_in(bucket.account), bucket.public_access_block)
    name = f"of {requirement.resource}, owned by account {owner},"
    return ListDecision(owner, as_policy(grants, "object", bucket.name, name), owner == bucket.account)


def _owns(caller: Principal, access: ObjectAccess | None) -> bool:
    return access is not None and caller.kind != "anonymous" and access.owner == caller.account


def _list_of_bucket(bucket: BucketFacts, arn: str, *, deletes: bool) -> AttachedPolicy | None:
    grants = private(bucket.account) if bucket.grants is None else loaded(bucket.grants)
    counted = effective(grants, bucket.public_access_block)
    name = f"of {arn}, owned by account {bucket.account},"
    return as_policy(counted, "bucket", bucket.name, name, deletes=deletes)
