"""Managed policies and their versions: the customer's, which are rows, and AWS's, which are read-only data."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from reading_room.arns import iam_arn
from reading_room.iam import entities
from reading_room.iam.aws_managed import AWS_MANAGED, AwsManagedPolicy, AwsPolicyVersion
from reading_room.iam.errors import (
    AwsManagedPolicyIsReadOnly,
    DefaultVersionInUse,
    InvalidPolicyArn,
    LimitExceeded,
    NoSuchPolicy,
    NoSuchPolicyVersion,
    PolicyAlreadyExists,
    PolicyHasVersions,
    PolicyInUse,
    TooManyPolicyVersions,
)
from reading_room.iam.inline_policies import check_document, size_of
from reading_room.iam.tables import AttachedManagedPolicy, ManagedPolicy, PolicyVersion, Role, User
from reading_room.iam.tags import tags_text
from reading_room.ids import iam_unique_id

SIZE_LIMIT = 6_144
"""Characters in a managed policy, not counting white space (quota PolicySize)."""
VERSIONS_PER_POLICY = 5

Managed = ManagedPolicy | AwsManagedPolicy
"""A customer or AWS managed policy; both have the same attributes."""
Version = PolicyVersion | AwsPolicyVersion
Usage = Literal["attached", "boundary"]
_ARN = re.compile(r"arn:aws:iam::(?:\d{12}|aws):policy/[\x21-\x7e]+")


def find(session: Session, account: str, arn: str) -> Managed | None:
    """Return the policy with an ARN if it is the account's own or AWS's, or ``None``."""
    if arn in AWS_MANAGED:
        return AWS_MANAGED[arn]
    name = arn.rpartition("/")[2]
    row = entities.find(session, ManagedPolicy, account, name)
    return row if row is not None and row.arn == arn else None


def get(session: Session, account: str, arn: str) -> Managed:
    """Return the policy with an ARN. Raises ``InvalidPolicyArn``, ``NoSuchPolicy``."""
    check_arn(arn)
    found = find(session, account, arn)
    if found is None:
        raise NoSuchPolicy(arn)
    return found


def check_arn(arn: str) -> None:
    """Raise ``InvalidPolicyArn`` unless the text has the form of a managed policy's ARN."""
    if not _ARN.fullmatch(arn):
        raise InvalidPolicyArn


def path_of(arn: str) -> str:
    """Return the path in a managed policy's ARN, or ``/`` if it has none."""
    folders, slash, _ = arn.partition(":policy/")[2].rpartition("/")
    return f"/{folders}{slash}"


def own(session: Session, account: str, arn: str, caller_arn: str, action: str) -> ManagedPolicy:
    """Return a customer managed policy that a caller changes with an action.

    Raises ``InvalidPolicyArn``, ``NoSuchPolicy``, and ``AwsManagedPolicyIsReadOnly`` for an AWS managed policy.
    """
    found = get(session, account, arn)
    if not isinstance(found, ManagedPolicy):
        raise AwsManagedPolicyIsReadOnly(caller_arn, action, arn)
    return found


def every(session: Session, account: str, scope: str = "All", path_prefix: str = "/") -> list[Managed]:
    """Return the policies in a scope (``All``, ``AWS`` or ``Local``) whose path begins with a prefix, sorted by ARN."""
    found: list[Managed] = []
    if scope != "AWS":
        found.extend(entities.every(session, ManagedPolicy, account, path_prefix))
    if scope != "Local":
        found.extend(policy for policy in AWS_MANAGED.values() if policy.path.startswith(path_prefix))
    return sorted(found, key=lambda policy: policy.arn)


def own_arns(session: Session, account: str) -> list[str]:
    """Return the ARNs of an account's own policies, sorted."""
    rows = session.execute(select(ManagedPolicy.path, ManagedPolicy.name).filter_by(account=account))
    return sorted(iam_arn(account, f"{ManagedPolicy.kind}{path}{name}") for path, name in rows)


def with_versions(session: Session, account: str, arns: Sequence[str]) -> list[Managed]:
    """Return those of the ARNs' policies that an account can use, sorted by ARN, with their versions loaded."""
    names = [arn.rpartition("/")[2] for arn in arns]
    rows = select(ManagedPolicy).filter_by(account=account).where(ManagedPolicy.name.in_(names))
    known: dict[str, Managed] = {**AWS_MANAGED}
    known.update({row.arn: row for row in session.scalars(rows.options(selectinload(ManagedPolicy.versions)))})
    return [known[arn] for arn in sorted(arns) if arn in known]


def create(
    session: Session,
    account: str,
    name: str,
    document: str,
    now: dt.datetime,
    *,
    path: str = "/",
    description: str | None = None,
    tags: Sequence[Mapping[str, str]] = (),
) -> ManagedPolicy:
    """Create a policy with one version.

    Raises ``MalformedPolicyDocument``, ``LimitExceeded``, ``PolicyAlreadyExists``: a name is unique under all paths.
    """
    _check(document)
    if entities.find(session, ManagedPolicy, account, name) is not None:
        raise PolicyAlreadyExists(name)
    entities.check_room(session, ManagedPolicy, account)
    policy = ManagedPolicy(
        unique_id=iam_unique_id("ANPA"),
        **entities.new_facts(account, name, path, now),
        description=description,
        updated_at=now,
        default_version=1,
        newest_version=1,
        tags=tags_text(tags),
        versions=[PolicyVersion(number=1, document=document, created_at=now)],
    )
    session.add(policy)
    session.flush()
    return policy


def create_version(
    session: Session, policy: ManagedPolicy, document: str, now: dt.datetime, *, default: bool = False
) -> PolicyVersion:
    """Create a policy's next version. Raises ``MalformedPolicyDocument``, ``LimitExceeded`` (also for the sixth)."""
    _check(document)
    if len(policy.versions) >= VERSIONS_PER_POLICY:
        raise TooManyPolicyVersions(VERSIONS_PER_POLICY)
    policy.newest_version += 1
    version = PolicyVersion(number=policy.newest_version, document=document, created_at=now)
    policy.versions.append(version)
    policy.updated_at = now
    if default:
        policy.default_version = version.number
    session.flush()
    return version


def version_of(policy: Managed, version_id: str) -> Version:
    """Return the version with an id such as ``v2``. Raises ``NoSuchPolicyVersion``."""
    versions: Sequence[Version] = policy.versions
    for version in versions:
        if f"v{version.number}" == version_id:
            return version
    raise NoSuchPolicyVersion(policy.arn, version_id)


def default_document(policy: Managed) -> str:
    """Return the document of the default version."""
    return version_of(policy, f"v{policy.default_version}").document


def document_of(session: Session, arn: str, account: str) -> str | None:
    """Return the default document of the policy with an ARN, or ``None`` if the account cannot use such a policy."""
    policy = find(session, account, arn)
    return None if policy is None else default_document(policy)


def set_default(policy: ManagedPolicy, version_id: str) -> None:
    """Make another version the default. Raises ``NoSuchPolicyVersion``."""
    policy.default_version = version_of(policy, version_id).number


def delete_version(session: Session, policy: ManagedPolicy, version_id: str) -> None:
    """Delete a version. Raises ``NoSuchPolicyVersion``, ``DefaultVersionInUse``."""
    version = version_of(policy, version_id)
    if version.number == policy.default_version:
        raise DefaultVersionInUse
    policy.versions = [kept for kept in policy.versions if kept is not version]
    session.flush()


def delete(session: Session, policy: ManagedPolicy) -> None:
    """Delete a policy with its default version. Raises ``PolicyInUse``, ``PolicyHasVersions``."""
    if any(uses(session, policy.account, usage)[policy.arn] for usage in ("attached", "boundary")):
        raise PolicyInUse
    if len(policy.versions) > 1:
        raise PolicyHasVersions
    session.delete(policy)
    session.flush()


def uses(session: Session, account: str, usage: Usage) -> Counter[str]:
    """Return, by policy ARN, how often it is attached or is a permissions boundary in an account."""
    found: Counter[str] = Counter()
    columns = (AttachedManagedPolicy.policy_arn,) if usage == "attached" else (User.boundary, Role.boundary)
    for column in columns:
        model = column.class_
        rows = session.execute(
            select(column, func.count()).where(model.account == account, column.is_not(None)).group_by(column)
        )
        found.update({str(arn): number for arn, number in rows})
    return found


def _check(document: str) -> None:
    check_document(document, "managed")
    if size_of(document) > SIZE_LIMIT:
        raise LimitExceeded("PolicySize", SIZE_LIMIT)
