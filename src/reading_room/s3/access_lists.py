"""Access control lists as values: grants, canned lists, what is public, and the policies of the same meaning.

AWS source: "Access control list (ACL) overview", S3 user guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from reading_room.arns import bucket_arn
from reading_room.aws.call import ANONYMOUS
from reading_room.iam.identities import attached
from reading_room.iam.policy.evaluate import AttachedPolicy
from reading_room.iam.policy.principals import canonical_user_id

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
PUBLIC = frozenset({ALL_USERS, AUTHENTICATED_USERS})
"""The groups whose grants make a list public."""
LOG_DELIVERY_SERVICE = "logging.s3.amazonaws.com"
ANONYMOUS_ID = "65a011a29cdf8ec533ec3d1ccaae921c"
"""S3's canonical user id for the owner of what anonymous callers write."""
FULL_CONTROL = "FULL_CONTROL"
PERMISSIONS = (FULL_CONTROL, "READ", "WRITE", "READ_ACP", "WRITE_ACP")
Target = Literal["bucket", "object"]

_OF_BUCKET = {
    "READ": ("s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"),
    "WRITE": ("s3:PutObject",),
    "READ_ACP": ("s3:GetBucketAcl",),
    "WRITE_ACP": ("s3:PutBucketAcl",),
}
_OF_OBJECT = {
    "READ": ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTorrent"),
    "READ_ACP": ("s3:GetObjectAcl", "s3:GetObjectVersionAcl"),
    "WRITE_ACP": ("s3:PutObjectAcl", "s3:PutObjectVersionAcl"),
}
_DELETE = "s3:DeleteObject"
_CANNED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
}
_CANNED_OF_BUCKETS = {"log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP"))}
_CANNED_OF_OBJECTS = {"bucket-owner-read": "READ", "bucket-owner-full-control": FULL_CONTROL}


class Grant(NamedTuple):
    """A permission for a grantee: a canonical user id, or the URI of a group."""

    grantee: str
    permission: str


Grants = tuple[Grant, ...]


def canonical_id(account: str) -> str:
    """Return the canonical user id of an account, or that of all anonymous callers."""
    return ANONYMOUS_ID if account == ANONYMOUS.account else canonical_user_id(account)


def private(owner: str) -> Grants:
    """Return the list that grants its owner, an account, everything and nobody else anything."""
    return (Grant(canonical_id(owner), FULL_CONTROL),)


def canned(name: str, target: Target, owner: str, bucket_owner: str) -> Grants | None:
    """Return the grants of a canned list, or ``None`` if buckets or objects have none of this name."""
    granted: Iterable[tuple[str, str]] | None = _CANNED.get(name)
    if granted is None and target == "bucket":
        granted = _CANNED_OF_BUCKETS.get(name)
    elif granted is None and name in _CANNED_OF_OBJECTS:
        granted = () if owner == bucket_owner else ((canonical_id(bucket_owner), _CANNED_OF_OBJECTS[name]),)
    return None if granted is None else (*private(owner), *(Grant(*each) for each in granted))


def stored(grants: Grants) -> list[list[str]]:
    """Return grants as JSON values."""
    return [list(grant) for grant in grants]


def loaded(values: Sequence[Sequence[str]]) -> Grants:
    """Return grants from JSON values."""
    return tuple(Grant(*value) for value in values)


def is_public(grants: Grants) -> bool:
    """Say whether a list grants anything to a group that everybody is in, or every AWS account."""
    return any(grant.grantee in PUBLIC for grant in grants)


def effective(grants: Grants, switches: Mapping[str, bool] | None) -> Grants:
    """Return the grants that count: with ``IgnorePublicAcls``, those to public groups do not."""
    if not (switches or {}).get("IgnorePublicAcls"):
        return grants
    return tuple(grant for grant in grants if grant.grantee not in PUBLIC)


def as_document(owner: str, grants: Grants) -> dict[str, Any]:
    """Return the answer to GetBucketAcl or GetObjectAcl, under botocore's member names."""
    return {
        "Owner": {"ID": canonical_id(owner)},
        "Grants": [{"Grantee": _grantee(grant.grantee), "Permission": grant.permission} for grant in grants],
    }


def _grantee(grantee: str) -> dict[str, str]:
    return {"Type": "Group", "URI": grantee} if grantee in GROUPS else {"Type": "CanonicalUser", "ID": grantee}


def as_policy(
    grants: Grants, target: Target, bucket: str, name: str, *, deletes: bool = False
) -> AttachedPolicy | None:
    """Return the policy that allows what a list grants, or ``None`` for a list that grants nobody anything.

    With ``deletes``, WRITE on a bucket includes the deletion of the object, as it does for the object's owner.
    """
    statements = [
        statement
        for number, grant in enumerate(grants, 1)
        if (statement := _statement(number, grant, target, bucket, deletes)) is not None
    ]
    if not statements:
        return None
    return attached("acl", "bucket", name, json.dumps({"Version": "2012-10-17", "Statement": statements}))


def _statement(number: int, grant: Grant, target: Target, bucket: str, deletes: bool) -> dict[str, Any] | None:
    actions = actions_of(grant.permission, target, deletes=deletes)
    if not actions or grant.grantee == ANONYMOUS_ID:
        # An anonymous owner proves nothing, so nobody is this grantee.
        return None
    who: dict[str, Any] = {"Principal": {"CanonicalUser": grant.grantee}}
    if grant.grantee == ALL_USERS:
        who = {"Principal": "*"}
    elif grant.grantee == AUTHENTICATED_USERS:
        # Anonymous callers do not have this key.
        who = {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalIsAWSService": "false"}}}
    elif grant.grantee == LOG_DELIVERY:
        who = {"Principal": {"Service": LOG_DELIVERY_SERVICE}}
    return {
        "Sid": f"Grant{number}",
        "Effect": "Allow",
        **who,
        "Action": list(actions),
        "Resource": [bucket_arn(bucket), bucket_arn(bucket, "*")],
    }


def actions_of(permission: str, target: Target, *, deletes: bool = False) -> tuple[str, ...]:
    """Return the IAM actions that a permission on a bucket or an object allows."""
    known = _OF_BUCKET if target == "bucket" else _OF_OBJECT
    each = known.items() if permission == FULL_CONTROL else ((permission, known.get(permission, ())),)
    actions = tuple(action for _, actions in each for action in actions)
    return (*actions, _DELETE) if deletes and "s3:PutObject" in actions else actions
