"""Buckets: their names, owners, policies and Block Public Access switches, as functions on a database session."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from reading_room.iam.policy.bucket import S3Target, parse_bucket_policy
from reading_room.iam.policy.document import PolicyDocumentError
from reading_room.iam.principals import pin_principals, principal_exists
from reading_room.s3 import multipart
from reading_room.s3.actions import action_targets
from reading_room.s3.bucket_errors import (
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    InvalidBucketName,
)
from reading_room.s3.errors import (
    AccessDenied,
    MalformedPolicy,
    NoSuchBucket,
)
from reading_room.s3.public_access import is_public
from reading_room.s3.tables import S3Bucket, S3Object, S3Version
from reading_room.s3.versions import ENABLED

POLICY_LIMIT = 20 * 1024
"""Bytes that a bucket policy may have."""
SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
ENFORCED, PREFERRED, WRITER = "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"
"""The settings of Object Ownership."""
OWNERSHIP, GRANTS, LIFECYCLE = "ownership", "grants", "lifecycle"
"""Names of settings: Object Ownership, the bucket's own access control list if it is not private, and its lifecycle."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_name(name: str) -> None:
    """Raise ``InvalidBucketName`` if the name breaks the rules for bucket names."""
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        looks_like_address = False
    else:
        looks_like_address = True
    if (
        looks_like_address
        or not _NAME.fullmatch(name)
        or ".." in name
        or name.startswith(_RESERVED_PREFIXES)
        or name.endswith(_RESERVED_SUFFIXES)
    ):
        raise InvalidBucketName(name)


def find(session: Session, name: str) -> S3Bucket:
    """Return a bucket. Raises ``NoSuchBucket``."""
    row = session.get(S3Bucket, name)
    if row is None:
        raise NoSuchBucket(name)
    return row


def create(
    session: Session, name: str, account: str, region: str, now: dt.datetime, *, locked: bool = False
) -> S3Bucket | None:
    """Create a bucket with Block Public Access on, and with versioning and Object Lock if it is ``locked``.

    Return it, ``None`` if the caller's own bucket exists already.

    Raises ``BucketAlreadyExists``. Raises ``BucketAlreadyOwnedByYou`` for the caller's own bucket, except in us-east-1,
    where the operation succeeds again.
    """
    check_name(name)
    row = session.get(S3Bucket, name)
    if row is None:
        switches = dict.fromkeys(SWITCHES, True)
        settings: dict[str, Any] = {"versioning": ENABLED, "object_lock": {}} if locked else {}
        row = S3Bucket(
            name=name, account=account, region=region, created_at=now, public_access_block=switches, **settings
        )
        session.add(row)
        return row
    if row.account != account:
        raise BucketAlreadyExists(name)
    if region != "us-east-1":
        raise BucketAlreadyOwnedByYou(name)
    return None


def setting(row: S3Bucket, name: str, absent: Any = None) -> Any:
    """Return a setting of a bucket, or ``absent``."""
    return (row.settings or {}).get(name, absent)


def set_setting(row: S3Bucket, name: str, value: Any) -> None:
    """Change a setting of a bucket."""
    row.settings = {**(row.settings or {}), name: value}


def remove_setting(row: S3Bucket, name: str) -> None:
    """Make a setting of a bucket that of a new one."""
    row.settings = {key: value for key, value in (row.settings or {}).items() if key != name} or None


def ownership_of(row: S3Bucket) -> str | None:
    """Return a bucket's Object Ownership; ``None`` if it was deleted, which means ``ObjectWriter``."""
    found = setting(row, OWNERSHIP, ENFORCED)
    return None if found is None else str(found)


def delete(session: Session, name: str) -> list[str]:
    """Delete an empty bucket and abort its uploads; return the blobs that no row names any more.

    Raises ``NoSuchBucket`` and ``BucketNotEmpty``.
    """
    row = find(session, name)
    if session.scalar(select(exists().where(S3Object.bucket == name) | exists().where(S3Version.bucket == name))):
        raise BucketNotEmpty(name, has_versions=row.versioning is not None)
    freed = multipart.abort_all(session, name)
    session.delete(row)
    return freed


def owned_by(
    session: Session, account: str, *, prefix: str = "", after: str = "", limit: int = 10_000
) -> Sequence[S3Bucket]:
    """Return the buckets of an account in the order of their names."""
    query = select(S3Bucket).where(S3Bucket.account == account, S3Bucket.name > after)
    if prefix:
        query = query.where(S3Bucket.name.startswith(prefix, autoescape=True))
    return session.scalars(query.order_by(S3Bucket.name).limit(limit)).all()


def put_policy(session: Session, name: str, text: str) -> None:
    """Set a bucket's policy.

    Raises ``MalformedPolicy`` with what is wrong, and ``AccessDenied`` for a public policy while BlockPublicPolicy
    is on.
    """
    row = find(session, name)
    targets: Mapping[str, S3Target] = action_targets()
    known: Callable[[str], bool] = lambda arn: principal_exists(session, arn)  # noqa: E731
    if len(text.encode()) > POLICY_LIMIT:
        raise MalformedPolicy("Policy exceeds the maximum allowed document size.")
    try:
        parse_bucket_policy(text, name, targets, known)
    except PolicyDocumentError as error:
        raise MalformedPolicy(str(error)) from None
    if (row.public_access_block or {}).get("BlockPublicPolicy") and is_public(text):
        raise AccessDenied
    row.policy = text
    row.pinned_policy = pin_principals(session, text)
